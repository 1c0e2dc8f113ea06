#pragma once

/* A namespace that is being deleted takes its RoleBinding with it, and then nobody may read what is left of it; the
 * finalizer on our pods would hold it for ever. So when a named namespace refuses us and is on its way out, its pods
 * are let go by a right that is cluster-wide and allows nothing else (charts/weir: ValidatingAdmissionPolicy). Their
 * launchers have had their grace by then. */

enum { LEAVING_MS = 90 * 1000 };

struct scope;

void leaving_look(struct scope *scope); /* we were refused: have a look; no-op while one is under way */
void leaving_stop(struct scope *scope);
