/*
 * program - the services a node consists of, and where our programs lie.
 *
 * A program is looked for beside the executable that asks, in the sbin and libexec
 * directories beside that, and in a build tree's sibling directory of its room.
 */
#ifndef APM2_PROGRAM_H
#define APM2_PROGRAM_H

#include <stdbool.h>

#include "schemas/services.def"

#define NODE_SERVICE_ENUM(NAME, name, purpose) NODE_SERVICE_##NAME,
enum node_service { NODE_SERVICES(NODE_SERVICE_ENUM) NODE_SERVICE_END };
#undef NODE_SERVICE_ENUM

/* "anti-entropy" */
const char *node_service_name(enum node_service service);

/* By its name, with or without "apm2-"; NODE_SERVICE_END when there is none. */
enum node_service node_service_find(const char *name);

#define PROGRAM_PATH_MAX 256u

/* `room`: its directory in services/. False: it is nowhere. */
bool program_find(const char *room, const char *name, char ret_path[PROGRAM_PATH_MAX]);

#endif
