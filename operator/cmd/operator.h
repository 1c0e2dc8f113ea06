#pragma once

/* The parts of weir-operator and how they hang together; for the files of this program only. */

#include <stdbool.h>

#include <uv.h>

#include "base/arena.h"
#include "cmd/operator_options.h"
#include "controller/controller.h"
#include "kube/leader.h"
#include "report/address.h"
#include "report/certificate.h"
#include "report/endpoint.h"
#include "web/health.h"
#include "web/server.h"

struct wiring {
    struct operator_options options;
    uv_loop_t loop;
    uv_signal_t terminate, interrupt;
    struct arena arena; /* of the process */
    char identity[160], process[24], report_host[320], secret[280], refusal[160];
    const char *namespace;
    struct event_object pod; /* our own; resource NULL: we are in none */
    struct kube_api *api;
    struct recorder *recorder;
    struct web_server *server;
    struct review *review;
    struct endpoint *endpoint;
    struct certificate *certificate;
    struct address *address;
    struct leader *leader; /* NULL without leader election */
    struct controller *controller;
    struct launch_config launch;
    struct health health;
    bool leading, stopping;
};

bool operator_leads(void *arg); /* arg: struct wiring; may it write? */

/* Opens the two ports: probes and metrics, and launchers' reports. Needs the API client; questions come once the loop
 * turns, when the other parts are there. */
int operator_listen(struct wiring *self, struct error *err);
