/* The web tests' client and child process, for this folder's tests too. */

#include "web/support_child.c"
#include "web/support_client.c"
