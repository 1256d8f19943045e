#include "common/loop.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/must.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

struct source {
    void *socket; /* NULL: the descriptor */
    int fd;
    short events;
    struct loop_fn fn;
    bool has_more;
    bool is_removed; /* swept after the turn */
};

struct hook {
    struct loop_hook hook;
    bool is_removed;
};

struct loop {
    struct source sources[LOOP_SOURCES_MAX];
    size_t n_sources;
    struct hook hooks[LOOP_HOOKS_MAX];
    size_t n_hooks;
    zmq_pollitem_t items[LOOP_SOURCES_MAX];
    int signal_fd;
    void (*on_signal)(void *arg, int signal_number);
    void *on_signal_arg;
    bool is_stopped;
    _Atomic uint64_t turned_ms;
};

static sigset_t our_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    return set;
}

void loop_block_signals(void)
{
    sigset_t set = our_signals();
    int failed = sigprocmask(SIG_BLOCK, &set, NULL);
    MUST(failed == 0);
    (void)signal(SIGPIPE, SIG_IGN);
}

static bool read_signals(void *arg, short revents)
{
    struct loop *loop = arg;
    struct signalfd_siginfo info;
    (void)revents;
    while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (loop->on_signal != NULL) {
            loop->on_signal(loop->on_signal_arg, (int)info.ssi_signo);
        }
    }
    return false;
}

struct loop *loop_new(void)
{
    struct loop *loop = mem_new(1, sizeof(*loop));
    sigset_t set = our_signals();
    loop->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    MUST(loop->signal_fd >= 0);
    loop->turned_ms = clock_mono_ms();
    loop_add_fd(loop, loop->signal_fd, POLLIN, (struct loop_fn){read_signals, loop});
    return loop;
}

void loop_destroy(struct loop **loop)
{
    if (*loop == NULL) {
        return;
    }
    close((*loop)->signal_fd);
    free(*loop);
    *loop = NULL;
}

static struct source *find(struct loop *loop, void *socket, int fd)
{
    for (size_t i = 0; i < loop->n_sources; i++) {
        struct source *source = &loop->sources[i];
        if (!source->is_removed && source->socket == socket && source->fd == fd) {
            return source;
        }
    }
    return NULL;
}

static void add(struct loop *loop, struct source source)
{
    MUST(loop->n_sources < LOOP_SOURCES_MAX);
    MUST(find(loop, source.socket, source.fd) == NULL);
    loop->sources[loop->n_sources] = source;
    loop->n_sources++;
}

static void set_events(struct loop *loop, void *socket, int fd, short events)
{
    struct source *source = find(loop, socket, fd);
    MUST(source != NULL);
    source->events = events;
}

static void remove_source(struct loop *loop, void *socket, int fd)
{
    struct source *source = find(loop, socket, fd);
    MUST(source != NULL);
    source->is_removed = true;
}

void loop_add_fd(struct loop *loop, int fd, short events, struct loop_fn fn)
{
    MUST(fd >= 0);
    add(loop, (struct source){.fd = fd, .events = events, .fn = fn});
}

void loop_set_events(struct loop *loop, int fd, short events)
{
    set_events(loop, NULL, fd, events);
}

void loop_remove_fd(struct loop *loop, int fd)
{
    remove_source(loop, NULL, fd);
}

void loop_add_socket(struct loop *loop, void *socket, short events, struct loop_fn fn)
{
    MUST(socket != NULL);
    add(loop, (struct source){.socket = socket, .events = events, .fn = fn});
}

void loop_set_socket_events(struct loop *loop, void *socket, short events)
{
    set_events(loop, socket, 0, events);
}

void loop_remove_socket(struct loop *loop, void *socket)
{
    remove_source(loop, socket, 0);
}

void loop_add_hook(struct loop *loop, struct loop_hook hook)
{
    MUST(loop->n_hooks < LOOP_HOOKS_MAX);
    loop->hooks[loop->n_hooks] = (struct hook){.hook = hook};
    loop->n_hooks++;
}

void loop_remove_hook(struct loop *loop, void *arg)
{
    for (size_t i = 0; i < loop->n_hooks; i++) {
        loop->hooks[i].is_removed |= loop->hooks[i].hook.arg == arg;
    }
}

void loop_on_signal(struct loop *loop, void (*fn)(void *arg, int signal_number), void *arg)
{
    loop->on_signal = fn;
    loop->on_signal_arg = arg;
}

/* ZeroMQ numbers its events otherwise than poll(2). */
static short to_zmq(short events)
{
    return (short)(((events & POLLIN) != 0 ? ZMQ_POLLIN : 0) |
                   ((events & POLLOUT) != 0 ? ZMQ_POLLOUT : 0));
}

static short from_zmq(short events)
{
    return (short)(((events & ZMQ_POLLIN) != 0 ? POLLIN : 0) |
                   ((events & ZMQ_POLLOUT) != 0 ? POLLOUT : 0) |
                   ((events & ZMQ_POLLERR) != 0 ? POLLERR : 0));
}

static long wait_ms(const struct loop *loop, uint64_t max_wait_ms)
{
    uint64_t wait = max_wait_ms;
    uint64_t now_ms = clock_mono_ms();
    for (size_t i = 0; i < loop->n_sources; i++) {
        wait = loop->sources[i].has_more ? 0 : wait;
    }
    for (size_t i = 0; i < loop->n_hooks; i++) {
        const struct loop_hook *hook = &loop->hooks[i].hook;
        uint64_t at_ms = hook->deadline_ms == NULL ? CLOCK_NEVER : hook->deadline_ms(hook->arg);
        if (at_ms != CLOCK_NEVER) {
            uint64_t left = at_ms > now_ms ? at_ms - now_ms : 0;
            wait = left < wait ? left : wait;
        }
    }
    /* zmq_poll counts in int inside; waking up early does no harm. */
    return wait > INT_MAX / 2 ? (wait == CLOCK_NEVER ? -1 : INT_MAX / 2) : (long)wait;
}

static void poll_sources(struct loop *loop, uint64_t max_wait_ms)
{
    for (size_t i = 0; i < loop->n_sources; i++) {
        const struct source *source = &loop->sources[i];
        loop->items[i] = (zmq_pollitem_t){
            .socket = source->socket, .fd = source->fd, .events = to_zmq(source->events)};
    }
    int n = zmq_poll(loop->items, (int)loop->n_sources, wait_ms(loop, max_wait_ms));
    if (n < 0) {
        MUST(errno == EINTR); /* anything else is a source closed before its removal */
        for (size_t i = 0; i < loop->n_sources; i++) {
            loop->items[i].revents = 0;
        }
    }
}

static void call_sources(struct loop *loop)
{
    size_t n_polled = loop->n_sources; /* callbacks may add more behind these */
    for (size_t i = 0; i < n_polled; i++) {
        struct source *source = &loop->sources[i];
        short revents = from_zmq(loop->items[i].revents);
        if (!source->is_removed && (revents != 0 || source->has_more)) {
            source->has_more = source->fn.call(source->fn.arg, revents);
        }
    }
}

static void call_hooks(struct loop *loop)
{
    size_t n = loop->n_hooks;
    for (size_t i = 0; i < n; i++) {
        if (!loop->hooks[i].is_removed && loop->hooks[i].hook.turn != NULL) {
            loop->hooks[i].hook.turn(loop->hooks[i].hook.arg, clock_mono_ms());
        }
    }
}

/* Drops what was removed; order stays. */
static void sweep(struct loop *loop)
{
    size_t kept = 0;
    for (size_t i = 0; i < loop->n_sources; i++) {
        if (!loop->sources[i].is_removed) {
            loop->sources[kept] = loop->sources[i];
            kept++;
        }
    }
    loop->n_sources = kept;

    kept = 0;
    for (size_t i = 0; i < loop->n_hooks; i++) {
        if (!loop->hooks[i].is_removed) {
            loop->hooks[kept] = loop->hooks[i];
            kept++;
        }
    }
    loop->n_hooks = kept;
}

void loop_turn(struct loop *loop, uint64_t max_wait_ms)
{
    sweep(loop); /* what was removed between turns, its descriptor perhaps closed */
    poll_sources(loop, max_wait_ms);
    loop->turned_ms = clock_mono_ms();
    call_sources(loop);
    call_hooks(loop);
}

void loop_run(struct loop *loop)
{
    while (!loop->is_stopped) {
        loop_turn(loop, CLOCK_NEVER);
    }
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}

uint64_t loop_turned_ms(const struct loop *loop)
{
    return loop->turned_ms;
}
