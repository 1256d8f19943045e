/*
 * load - bundles of lease events against a running cluster, by way of libapm2.
 *
 * Everything is signed before the clock starts. Open loop (--rate): each bundle has
 * its time, and its latency counts from then even if we were late. Closed loop
 * (--window): so many bundles under way at once. Prints one line, or JSON.
 */
#include "tests/bench/load_state.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_MS 10000u
#define LOST_MS 5000u /* silence that ends a wait for outcomes */

/* ---- under the clock ---- */

static void note_gap(struct load *load, uint64_t now_us)
{
    if (load->last_us != 0 && now_us - load->last_us > load->gap_us)
        load->gap_us = now_us - load->last_us;
    load->last_us = now_us;
}

static void take(struct load *load, const struct apm2_reply *reply)
{
    uint64_t now_us = bench_now_us();
    uint64_t took_us = now_us - load->started_us[reply->request];

    if (reply->kind == APM2_ACCEPTED) {
        sample_add(&load->accepted, took_us);
        return;
    }
    load->n_done++;
    if (reply->kind == APM2_REFUSED) {
        if (strcmp(reply->error, "BUSY") == 0)
            load->n_busy++;
        else if (load->n_refused++ == 0)
            (void)fprintf(stderr, "load: refused: %s %s\n", reply->error, reply->detail);
        return;
    }
    if (reply->height == 0) {
        load->n_expired++;
        return;
    }
    for (size_t i = 0; i < reply->n_codes; i++)
        if (reply->codes[i] != 0 && load->n_rejected_events++ == 0)
            (void)fprintf(stderr, "load: rejected: %s\n", apm2_outcome_text(reply->codes[i]));
    note_gap(load, now_us);
    if (now_us >= load->first_us && now_us < load->end_us)
        load->n_measured++;
    if (load->started_us[reply->request] >= load->first_us)
        sample_add(&load->finality, took_us);
}

static void take_all(struct load *load)
{
    struct apm2_reply reply;

    for (uint32_t i = 0; i < load->n_clients; i++)
        while (apm2_client_next(load->clients[i], &reply))
            take(load, &reply);
}

/* False: its node takes nothing now. */
static bool submit_next(struct load *load, uint64_t started_us)
{
    uint32_t i = load->n_sent;

    load->started_us[i] = started_us;
    if (!apm2_client_submit(load->clients[i % load->n_clients], i, load->stock[i], NULL))
        return false;
    load->n_sent++;
    return true;
}

static uint64_t due_us(const struct load *load, uint32_t i)
{
    return load->begin_us + (uint64_t)i * 1000000u / load->options.rate;
}

static void submit_due(struct load *load, uint64_t now_us)
{
    const struct options *options = &load->options;

    if (options->rate > 0) {
        while (load->n_sent < load->n_stock && due_us(load, load->n_sent) <= now_us)
            if (!submit_next(load, due_us(load, load->n_sent)))
                return;
        return;
    }
    while (load->n_sent < load->n_stock && load->n_sent - load->n_done < options->window)
        if (!submit_next(load, bench_now_us()))
            return;
}

static int wait_ms(const struct load *load, uint64_t now_us)
{
    if (load->options.rate == 0 || load->n_sent == load->n_stock)
        return 10;
    uint64_t due = due_us(load, load->n_sent);
    return due > now_us ? (int)((due - now_us + 999) / 1000) : 0;
}

static void run(struct load *load)
{
    load->begin_us = bench_now_us();
    load->first_us = load->begin_us + load->options.warmup_ms * 1000;
    load->end_us = load->begin_us + (uint64_t)load->options.seconds * 1000000u;
    for (;;) {
        uint64_t now_us = bench_now_us();
        bool is_over = now_us >= load->end_us;
        if (is_over &&
            (load->n_done == load->n_sent || now_us > load->end_us + (uint64_t)DRAIN_MS * 1000 ||
             now_us > load->last_us + (uint64_t)LOST_MS * 1000))
            break;
        if (!is_over)
            submit_due(load, now_us);
        apm2_client_wait(load->clients, load->n_clients, wait_ms(load, now_us));
        take_all(load);
    }
}

/* ---- after it ---- */

static double ms(uint64_t us)
{
    return (double)us / 1e3;
}

static void report(struct load *load)
{
    double seconds = (double)(load->end_us - load->first_us) / 1e6;
    double bundles = (double)load->n_measured / seconds;
    double p50 = ms(sample_percentile_us(&load->finality, 50));
    double p99 = ms(sample_percentile_us(&load->finality, 99));
    double max = ms(sample_percentile_us(&load->finality, 100));
    uint32_t n_lost = load->n_sent - load->n_done;
    const char *form =
        load->options.is_json
            ? "{\"bundles_per_s\": %.1f, \"events_per_s\": %.1f, \"p50_ms\": %.2f, \"p99_ms\": "
              "%.2f, \"max_ms\": %.2f, \"door_p50_ms\": %.2f, \"longest_gap_ms\": %.1f, "
              "\"sent\": %u, \"final\": %zu, \"busy\": %u, \"refused\": %u, \"rejected\": %u, "
              "\"expired\": %u, \"unanswered\": %u}\n"
            : "%.1f bundles/s, %.1f events/s, finality p50 %.2f ms, p99 %.2f ms, max %.2f ms, "
              "door p50 %.2f ms, longest gap %.1f ms; sent %u, final after warm-up %zu, busy %u, "
              "refused %u, rejected events %u, expired %u, unanswered %u\n";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)printf(form, bundles, bundles * load->options.events, p50, p99, max,
                 ms(sample_percentile_us(&load->accepted, 50)), ms(load->gap_us), load->n_sent,
                 load->finality.n, load->n_busy, load->n_refused, load->n_rejected_events,
                 load->n_expired, n_lost);
#pragma GCC diagnostic pop
}

/* ---- options ---- */

static _Noreturn void usage(void)
{
    (void)fprintf(stderr,
                  "usage: load --genesis FILE --key PEM... (--rate N | --window N) [--seconds S]\n"
                  "            [--events N] [--node I] [--ttl-ms MS] [--warmup-ms MS] [--json]\n");
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (*text == 0 || *end != 0)
        usage();
    return value;
}

static void set_option(struct options *options, int option, const char *value)
{
    switch (option) {
    case 'g':
        options->genesis = value;
        break;
    case 'k':
        if (options->n_keys == KEYS_MAX)
            usage();
        options->keys[options->n_keys++] = value;
        break;
    case 'r':
        options->rate = number(value);
        break;
    case 'w':
        options->window = (uint32_t)number(value);
        break;
    case 's':
        options->seconds = (uint32_t)number(value);
        break;
    case 'e':
        options->events = (uint32_t)number(value);
        break;
    case 'n':
        options->node = (int)number(value);
        break;
    case 't':
        options->ttl_ms = number(value);
        break;
    case 'u':
        options->warmup_ms = number(value);
        break;
    case 'j':
        options->is_json = true;
        break;
    default:
        usage();
    }
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"genesis", required_argument, NULL, 'g'},
        {"key", required_argument, NULL, 'k'},
        {"rate", required_argument, NULL, 'r'},
        {"window", required_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 's'},
        {"events", required_argument, NULL, 'e'},
        {"node", required_argument, NULL, 'n'},
        {"ttl-ms", required_argument, NULL, 't'},
        {"warmup-ms", required_argument, NULL, 'u'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    static struct load load;
    int option;

    load.options =
        (struct options){.seconds = 10, .events = 1, .ttl_ms = 500, .warmup_ms = 1000, .node = -1};
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        set_option(&load.options, option, optarg);
    const struct options *options = &load.options;
    if (options->genesis == NULL || options->n_keys == 0 || options->events == 0 ||
        options->seconds == 0 || (options->rate == 0) == (options->window == 0))
        usage();
    load_prepare(&load);
    run(&load);
    report(&load);
    bool is_whole = load.finality.n > 0 && load.n_refused == 0;
    load_release(&load);
    return is_whole ? 0 : 1;
}
