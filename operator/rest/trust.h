#pragma once

/* Which certificates this image trusts: SSL_CERT_FILE and SSL_CERT_DIR of the environment, else the first of the places
 * where distributions keep their bundle. A static OpenSSL knows only the places of the machine that built it. */

struct trust {
    const char *file, *directory; /* NULL: none. The environment's or constants; nothing to free */
};

void trust_find(struct trust *ret_trust);
