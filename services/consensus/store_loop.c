/* The store in a service's loop: its descriptors come and go with the connections. */
#include "services/consensus/store_state.h"

#include <stdlib.h>

#include "common/loop.h"
#include "common/must.h"
