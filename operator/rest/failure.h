#pragma once

/* Why a try failed, in words. Within rest/ only. */

#include "rest/call.h"

int failure_say(const struct rest_call *call, CURLcode result, const struct trust *trust, struct error *err);
