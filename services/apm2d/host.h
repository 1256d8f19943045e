/*
 * host - the node installed on this host: its own settings say who it is, and where.
 */
#ifndef APM2_HOST_H
#define APM2_HOST_H

/* Watches the services of the node that this file configures; returns the exit code. */
int host_run(const char *config);

#endif
