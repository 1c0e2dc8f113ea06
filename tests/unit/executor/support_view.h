#pragma once

/* A pod as a kubelet leaves it, written as YAML, and what is made of it in one line: the state, the reason, the exit
 * code if there is one, and the message. */

#include "executor/executor.h"

/* 10:00:00 is when the pods are made; the cases look at 10:05:00. */
#define DAY      "2026-11-20T"
#define NODE     "  nodeName: n1\n"
#define DELETING "  deletionTimestamp: \"" DAY "10:04:30Z\"\n  deletionGracePeriodSeconds: 60\n"

/* main ended: exit code, the kubelet's reason, the termination message */
#define ENDED(phase, code, reason, message)                                                               \
    "  phase: " phase "\n"                                                                                \
    "  containerStatuses:\n"                                                                              \
    "  - name: main\n"                                                                                    \
    "    state: {terminated: {exitCode: " #code ", reason: " reason ", startedAt: \"" DAY "10:01:00Z\", " \
    "finishedAt: \"" DAY "10:02:00Z\", message: '" message "'}}\n"
#define RECORD_OK "{\"version\":1,\"seq\":9,\"final\":{\"exitCode\":0}}"
#define RECORD_EXIT3                                                                                                \
    "{\"version\":1,\"seq\":9,\"final\":{\"exitCode\":3,\"reason\":\"ExitCode\",\"message\":\"x exited with 3: no " \
    "such table\"}}"
#define RECORD_STOPPED                                                                                                 \
    "{\"version\":1,\"seq\":9,\"final\":{\"exitCode\":143,\"signal\":15,\"reason\":\"Stopped\",\"message\":\"stopped " \
    "by a signal\"}}"
#define RECORD_UNKNOWN                                                                                  \
    "{\"version\":1,\"seq\":9,\"final\":{\"exitCode\":1,\"reason\":\"RemoteUnknown\",\"message\":\"no " \
    "ResourceManager "                                                                                  \
    "answers\"}}"
#define DISRUPTED(reason) \
    "  conditions: [{type: DisruptionTarget, status: \"True\", reason: " reason ", message: \"on n1\"}]\n"

struct seen {
    struct arena arena;
    struct pod_facts *facts;
    struct pod_view view;
};

int64_t view_time(const char *time); /* HH:MM:SS of that day, in wall ms */
/* `metadata`, `spec` and `status` are YAML in flow or block style, indented by two blanks. */
void view_look(struct seen *seen, const char *metadata, const char *spec, const char *status,
               const struct record *report, const char *now);
void view_forget(struct seen *seen);
void expect_view_of(const char *metadata, const char *spec, const char *status, const struct record *report,
                    const char *now, const char *wanted);
void expect_view(const char *status, const char *wanted);
void expect_deleting(const char *status, const char *wanted);
