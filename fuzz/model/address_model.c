#include "address_model.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_MAX 64

/* What a template found. */
typedef struct capture {
    char number[8]
               [8]; /* runs of digits, in their order; one too long is cut, but its length tells */
    size_t length[8];
    int numbers;
    char host[HOST_MAX]; /* what stood between brackets */
    size_t host_length;
} capture;

static const char *take_digits(const char *text, capture *found)
{
    size_t length = strspn(text, "0123456789");
    size_t kept = length < 7 ? length : 7;
    memcpy(found->number[found->numbers], text, kept);
    found->number[found->numbers][kept] = '\0';
    found->length[found->numbers] = length;
    found->numbers++;
    return text + length;
}

static const char *take_host(const char *text, capture *found)
{
    size_t length = strcspn(text, "]");
    if (length < HOST_MAX) {
        memcpy(found->host, text, length);
        found->host[length] = '\0';
    }
    found->host_length = length;
    return text + length;
}

/* 1 if the whole text has the shape of the template: N is a run of decimal digits of any length, H
 * is anything up to a bracket, and another character is itself. */
static int has_shape(const char *text, const char *template, capture *found)
{
    memset(found, 0, sizeof(*found));
    for (; *template != '\0'; template ++) {
        if (*template == 'N') {
            text = take_digits(text, found);
        } else if (*template == 'H') {
            text = take_host(text, found);
        } else if (*text++ != *template) {
            return 0;
        }
    }
    return *text == '\0';
}

/* 1 if number i has 1 to `digits` digits and is at most `most`. */
static int is_number(const capture *found, int i, size_t digits, int most)
{
    return found->length[i] >= 1 && found->length[i] <= digits && atoi(found->number[i]) <= most;
}

static void refuse(address_model *model, const char *clause)
{
    model->accepted = 0;
    model->clause = clause;
}

/* The port is the last number of each template. */
static void judge_port(address_model *model, const capture *found)
{
    int last = found->numbers - 1;
    if (!is_number(found, last, 5, 65535)) {
        refuse(model, "IO-ADDR-2");
        return;
    }
    model->port = (unsigned)atoi(found->number[last]);
}

static void judge_ipv4(address_model *model, const capture *found)
{
    char text[4 * sizeof(found->number[0])];
    unsigned char check[4];
    model->family = 4;
    for (int i = 0; i < 4; i++) {
        if (!is_number(found, i, 3, 255) || (found->length[i] > 1 && found->number[i][0] == '0')) {
            refuse(model, "IO-ADDR-2");
            return;
        }
        model->host[i] = (unsigned char)atoi(found->number[i]);
    }
    snprintf(text, sizeof(text), "%s.%s.%s.%s", found->number[0], found->number[1],
             found->number[2], found->number[3]);
    if (inet_pton(AF_INET, text, check) != 1 || memcmp(check, model->host, 4) != 0) {
        fprintf(stderr, "the model and inet_pton disagree on %s\n", text);
        abort();
    }
}

/* inet_pton is the definition (IO-ADDR-2); what could be a zone it must not even see. */
static void judge_ipv6(address_model *model, const capture *found)
{
    model->family = 6;
    if (found->host_length >= HOST_MAX || strpbrk(found->host, "%/ ") != NULL ||
        inet_pton(AF_INET6, found->host, model->host) != 1) {
        refuse(model, "IO-ADDR-2");
    }
}

static void judge_path(address_model *model, const char *path)
{
    size_t length = strlen(path);
    model->family = 1;
    model->clause = "IO-ADDR-3";
    if (length < 1 || length > ADDRESS_MODEL_PATH_MAX) {
        refuse(model, "IO-ADDR-3");
        return;
    }
    memcpy(model->path, path, length);
}

/* What follows after `udp:`, or all of it. */
static void judge_inet(address_model *model, const char *text)
{
    capture found;
    model->clause = "IO-ADDR-2";
    if (has_shape(text, "N", &found)) {
        model->family = 4; /* any address: 0.0.0.0 */
    } else if (has_shape(text, "N.N.N.N:N", &found)) {
        judge_ipv4(model, &found);
    } else if (has_shape(text, "[H]:N", &found)) {
        judge_ipv6(model, &found);
    } else {
        refuse(model, "IO-ADDR-1");
        return;
    }
    if (model->accepted) {
        judge_port(model, &found);
    }
}

void address_model_parse(const char *text, address_model *model)
{
    memset(model, 0, sizeof(*model));
    model->accepted = 1;
    model->datagram = strncmp(text, "udp:", 4) == 0 || strncmp(text, "unix-dgram:", 11) == 0;
    if (strncmp(text, "unix:", 5) == 0 || strncmp(text, "unix-dgram:", 11) == 0) {
        judge_path(model, strchr(text, ':') + 1);
    } else {
        judge_inet(model, model->datagram ? text + 4 : text);
    }
}
