/* Calls nobody here may make, with what to use instead. Force-included. */
#ifndef APM2_BANNED_H
#define APM2_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef alloca /* stdlib.h makes it a macro */
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll alloca

#endif
