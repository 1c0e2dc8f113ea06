#pragma once

/* A new key and a certificate for it, self-signed, as PEM text; the caller frees both. */
void pem_make(const char *name, char **ret_cert, char **ret_key);
