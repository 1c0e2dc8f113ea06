/* See route.h. Exact paths, no patterns: the server has normalised them. Never reads a body. */

#include "web/route.h"

#include <string.h>

/* Digits only, as RFC 9110 has it: "+5", "5 ", "0x5" and lists are refused. */
static int parse_length(const char *text, size_t *ret_length) {
    size_t length = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (length > SIZE_MAX / 10 - 10)
            return -1;
        length = length * 10 + (size_t)(*text - '0');
    }
    *ret_length = length;
    return 0;
}

static struct route_choice refuse(struct route_choice choice, int status, const char *text) {
    choice.route = NULL;
    choice.status = status;
    choice.text = text;
    return choice;
}

static bool serves(const struct web_route *route, const struct route_head *head) {
    return route->method == WEB_POST ? head->post : head->get || head->head;
}

struct route_choice route_choose(const struct web_route *routes, size_t count, const struct route_head *head) {
    struct route_choice choice = {0};
    bool sized = head->content_length != NULL && parse_length(head->content_length, &choice.length) == 0;
    bool garbled = head->transfer_encoding || (head->content_length != NULL && !sized);
    bool unasked = !head->post && choice.length > 0;
    choice.close = garbled || unasked || (!sized && !head->get && !head->head) || choice.length > ROUTE_DISCARD_MAX;

    const struct web_route *other = NULL;
    for (size_t i = 0; i < count && choice.route == NULL; i++) {
        if (routes[i].port != head->port || strcmp(routes[i].path, head->path) != 0)
            continue;
        if (serves(&routes[i], head))
            choice.route = &routes[i];
        else
            other = &routes[i];
    }
    if (choice.route == NULL && other != NULL) {
        choice.allow = other->method == WEB_POST ? "POST" : "GET, HEAD";
        return refuse(choice, 405, "method not allowed");
    }
    if (choice.route == NULL)
        return refuse(choice, 404, "no such path");
    if (head->content_length != NULL && !sized)
        return refuse(choice, 400, "Content-Length is not a number");
    if (choice.route->method == WEB_POST && (head->transfer_encoding || !sized))
        return refuse(choice, 411, "send the body with Content-Length, not in chunks");
    if (choice.route->method == WEB_POST && choice.length > choice.route->body_max)
        return refuse(choice, 413, "the body is too large");
    return choice;
}
