#pragma once

/* What weir needs to know of a Hadoop cluster, from its configuration. Pure; values, nothing to free.
 *
 * A client's configuration need not say all that a server's says, so `web_kerberos`, `acls` and `rest_kills` are what
 * to expect; a server's 401 with Negotiate, or its 403, is the truth. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "remote/hadoop_conf.h"

enum { HADOOP_ORIGIN_MAX = 280, HADOOP_MANAGERS_MAX = 8 };

struct hadoop_cluster {
    char managers[HADOOP_MANAGERS_MAX][HADOOP_ORIGIN_MAX]; /* of ResourceManagers: "https://rm1.example:8090" */
    size_t manager_count;                                  /* 0: none is named, so there is none to ask */
    char history[HADOOP_ORIGIN_MAX];                       /* of MapReduce's history server; "": none is named */
    bool kerberos;                                         /* hadoop.security.authentication: RPC needs a ticket */
    bool web_kerberos;                                     /* HTTP needs SPNEGO or a delegation token */
    bool acls;                                             /* yarn.acl.enable: user.name= matters for killing */
    bool rest_kills; /* an application can be killed by HTTP (with SPNEGO when `web_kerberos`); else by RPC alone */
};

/* Addresses are of https where the policy is HTTPS_ONLY. 0.0.0.0 stands for a server's "all my addresses": the host
 * that another property of the same server names counts instead, and itself only when a file says nothing better.
 * ERROR_INVALID names the property that is no HOST:PORT. */
int hadoop_cluster_read(const struct hadoop_conf *conf, struct hadoop_cluster *ret, struct error *err);
