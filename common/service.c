#include "common/service.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/http.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/service_flags.h"
#include "common/service_health.h"

#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <zmq.h>

#define TICK_MS 1000u

/* A killed process's child needs a moment to see that and let go of the lock. */
#define LOCK_WAIT_MS 3000u
#define LOCK_RETRY_US 50000u

struct frame {
    const struct service *service;
    struct service_flags flags;
    struct service_env env;
    struct service_health health;
    struct conf *conf;
    struct http *http;
    void *state;
    char *node;
    char *run_dir;
    uint64_t next_tick_ms;
    uint64_t drain_until_ms;
    bool is_started;
};

void service_fail(struct service_env *env, enum apm_err err)
{
    MUST(err != APM_OK);
    if (env->failure == APM_OK) {
        env->failure = err;
        LOG_ERROR("service_failed", F_ERR(err));
    }
    if (env->loop != NULL) {
        loop_stop(env->loop);
    }
}

const char *service_short_name(const struct service *service)
{
    static const char prefix[] = "apm2-";
    size_t length = sizeof(prefix) - 1;
    return strncmp(service->name, prefix, length) == 0 ? service->name + length : service->name;
}

void service_status(const char *text)
{
    (void)sd_notifyf(0, "STATUS=%s", text);
}

static void apply_log(const struct conf *conf)
{
    log_set_level((enum log_level)conf_word(conf, SETTING_log_level));
    log_set_format((enum log_format)conf_word(conf, SETTING_log_format));
}

static void say_refused(const char *event, enum apm_err err, const char *detail, const char *hint)
{
    LOG_ERROR(event, F_ERR(err), F_STR("detail", detail), F_STR("hint", hint));
}

/* ---- reload ---- */

static void log_changes(const struct frame *frame, const struct conf *fresh)
{
    uint32_t sets = frame->service->sets | CONF_SET_ALL;
    for (enum setting i = 0; i < SETTING_END; i++) {
        const struct conf_setting *row = conf_setting(i);
        if ((row->set & sets) == 0 || conf_is_equal(frame->conf, fresh, i)) {
            continue;
        }
        if (row->is_reloadable) {
            LOG_INFO("setting_changed", F_STR("setting", row->name),
                     F_STR("origin", conf_origin(fresh, i)));
        } else {
            LOG_WARN("setting_needs_restart", F_STR("setting", row->name),
                     F_STR("origin", conf_origin(fresh, i)));
        }
    }
}

static void reload(struct frame *frame)
{
    struct buf message;
    buf_init(&message, 4096);
    struct conf *fresh = NULL;
    enum apm_err err = conf_read(&frame->flags.sources, &fresh, &message);
    if (err != APM_OK) {
        say_refused("reload_refused", err, buf_str(&message), "the old settings stay in force");
        buf_release(&message);
        return;
    }
    buf_release(&message);
    log_changes(frame, fresh);
    conf_destroy(&frame->conf);
    frame->conf = fresh;
    frame->env.conf = fresh;
    apply_log(fresh);
    if (frame->service->reload != NULL) {
        frame->service->reload(frame->state);
    }
    LOG_INFO("reloaded");
}

/* ---- signals and drain ---- */

static void begin_drain(struct frame *frame, int signal_number)
{
    if (frame->health.is_draining) {
        LOG_WARN("stopped_at_once", F_STR("reason", "a second signal"));
        _exit(apm_err_exit(APM_ERR_FAILED));
    }
    LOG_INFO("draining", F_STR("signal", signal_number == SIGINT ? "SIGINT" : "SIGTERM"));
    (void)sd_notify(0, "STOPPING=1");
    frame->health.is_draining = true;
    frame->drain_until_ms = clock_mono_ms() + conf_ms(frame->conf, SETTING_drain_timeout);
}

static void on_signal(void *arg, int signal_number)
{
    struct frame *frame = arg;
    if (signal_number == SIGHUP) {
        reload(frame);
    } else if (signal_number == SIGCHLD) {
        if (frame->service->child_exited != NULL) {
            frame->service->child_exited(frame->state);
        }
    } else {
        begin_drain(frame, signal_number);
    }
}

static void drain(struct frame *frame, uint64_t now_ms)
{
    bool is_done = frame->service->drain == NULL || frame->service->drain(frame->state);
    if (!is_done && now_ms >= frame->drain_until_ms) {
        LOG_WARN("drain_timeout", F_STR("hint", "raise drain_timeout if this was too soon"));
        is_done = true;
    }
    if (is_done) {
        loop_stop(frame->env.loop);
    }
}

/* ---- turns ---- */

static void turn(void *arg, uint64_t now_ms)
{
    struct frame *frame = arg;
    if (frame->service->turn != NULL) {
        frame->service->turn(frame->state, now_ms);
    }
    if (frame->health.is_draining) {
        drain(frame, now_ms);
    }
    if (now_ms >= frame->next_tick_ms) {
        frame->next_tick_ms = now_ms + TICK_MS;
        metrics_turn(frame->env.metrics, now_ms);
        service_health_say(&frame->health, now_ms);
        log_flush();
        (void)sd_notify(0, "WATCHDOG=1");
    }
}

static uint64_t deadline_ms(void *arg)
{
    struct frame *frame = arg;
    uint64_t first = frame->next_tick_ms;
    if (frame->service->deadline_ms != NULL) {
        uint64_t own = frame->service->deadline_ms(frame->state);
        first = own < first ? own : first;
    }
    if (frame->health.is_draining && frame->drain_until_ms < first) {
        first = frame->drain_until_ms;
    }
    return first;
}

/* ---- start ---- */

static enum apm_err read_settings(struct frame *frame)
{
    struct buf message;
    buf_init(&message, 4096);
    enum apm_err err = conf_read(&frame->flags.sources, &frame->conf, &message);
    if (err != APM_OK) {
        err = APM_ERR_CONFIG;
        say_refused("settings_refused", err, buf_str(&message), "correct it and start again");
    } else {
        frame->node = mem_strdup(conf_str(frame->conf, SETTING_node));
        frame->run_dir = mem_strdup(conf_str(frame->conf, SETTING_run_dir));
        log_init(frame->service->name, frame->node);
        apply_log(frame->conf);
    }
    buf_release(&message);
    return err;
}

static enum apm_err take_lock(struct frame *frame)
{
    enum apm_err err = file_make_dirs(frame->run_dir);
    if (err != APM_OK) {
        say_refused("run_dir_unusable", err, frame->run_dir, "create it, or set run_dir");
        return err;
    }
    char *path = mem_printf("%s/%s.lock", frame->run_dir, frame->service->name);
    pid_t holder = 0;
    uint64_t until_ms = clock_mono_ms() + LOCK_WAIT_MS;
    err = lock_take(path, &frame->env.lock, &holder);
    while (err == APM_ERR_FENCED && clock_mono_ms() < until_ms) {
        (void)usleep(LOCK_RETRY_US);
        err = lock_take(path, &frame->env.lock, &holder);
    }
    if (err != APM_OK) {
        LOG_ERROR("run_dir_locked", F_ERR(err), F_STR("path", path), F_I64("holder_pid", holder),
                  F_STR("hint", "one process per run directory: stop that one, or set run_dir"));
    }
    free(path);
    return err;
}

static enum apm_err start_http(struct frame *frame)
{
    const struct http_config config = {
        .loop = frame->env.loop,
        .address = conf_str(frame->conf, SETTING_health_address),
        .port = (uint16_t)conf_u64(frame->conf, frame->service->health_port),
        .tables = {{frame->service->routes, frame->state},
                   {service_health_routes(), &frame->health}},
    };
    enum apm_err err = http_start(&config, &frame->http);
    if (err != APM_OK) {
        LOG_ERROR("health_port_unusable", F_ERR(err), F_STR("address", config.address),
                  F_U64("port", config.port),
                  F_STR("setting", conf_setting(frame->service->health_port)->name));
    }
    return err;
}

static enum apm_err start_admin(struct frame *frame)
{
    const struct admin_config config = {
        .zmq = frame->env.zmq,
        .loop = frame->env.loop,
        .run_dir = frame->run_dir,
        .service = frame->service->name,
        .queries = frame->service->queries,
        .frame_queries = service_health_queries(),
        .frame_state = &frame->health,
        .client = frame->service->client,
        .state = frame->state,
    };
    enum apm_err err = admin_start(&config, &frame->env.admin);
    if (err != APM_OK) {
        say_refused("admin_socket_unusable", err, frame->run_dir,
                    "the socket's path may have 107 bytes: set a shorter run_dir");
    }
    return err;
}

static enum apm_err start_loop(struct frame *frame)
{
    struct service_env *env = &frame->env;
    env->zmq = zmq_ctx_new();
    if (env->zmq == NULL) {
        return APM_ERR_IO;
    }
    env->loop = loop_new();
    loop_on_signal(env->loop, on_signal, frame);
    enum apm_err err = start_http(frame);
    return err == APM_OK ? start_admin(frame) : err;
}

static enum apm_err start(struct frame *frame)
{
    const struct service *service = frame->service;
    enum apm_err err = take_lock(frame);
    if (err != APM_OK) {
        return err;
    }
    struct service_env *env = &frame->env;
    env->conf = frame->conf;
    env->name = service->name;
    env->node = frame->node;
    env->run_dir = frame->run_dir;
    env->metrics = metrics_new(&(struct metric_owner){
        .sets = service->sets, .node = frame->node, .service = service_short_name(service)});
    frame->state = mem_new(1, service->state_size);
    frame->health = (struct service_health){
        .service = service, .env = env, .state = frame->state, .started_ms = clock_mono_ms()};

    loop_block_signals();
    err = service->prefork == NULL ? APM_OK : service->prefork(frame->state, env);
    if (err == APM_OK) {
        err = start_loop(frame);
    }
    if (err == APM_OK) {
        frame->is_started = true;
        err = service->start == NULL ? APM_OK : service->start(frame->state, env);
    }
    return err;
}

static enum apm_err run(struct frame *frame)
{
    enum apm_err err = start(frame);
    if (err != APM_OK) {
        LOG_ERROR("start_failed", F_ERR(err), F_I64("exit_code", apm_err_exit(err)));
        return err;
    }
    loop_add_hook(frame->env.loop, (struct loop_hook){turn, deadline_ms, frame});
    LOG_INFO("started", F_I64("pid", getpid()), F_STR("version", APM2_VERSION),
             F_STR("run_dir", frame->run_dir));
    (void)sd_notify(0, "READY=1");
    if (frame->env.failure == APM_OK) { /* `start` may have failed by service_fail */
        loop_run(frame->env.loop);
    }
    LOG_INFO("stopped", F_I64("exit_code", apm_err_exit(frame->env.failure)));
    return frame->env.failure;
}

static void release(struct frame *frame)
{
    if (frame->is_started && frame->service->stop != NULL) {
        frame->service->stop(frame->state);
    }
    http_destroy(&frame->http);
    admin_destroy(&frame->env.admin);
    loop_destroy(&frame->env.loop);
    if (frame->env.zmq != NULL) {
        zmq_ctx_term(frame->env.zmq);
    }
    metrics_destroy(&frame->env.metrics);
    conf_destroy(&frame->conf);
    service_flags_release(&frame->flags);
    free(frame->state);
    free(frame->node);
    free(frame->run_dir);
    lock_release(&frame->env.lock);
}

static enum apm_err read_flags(struct frame *frame, int argc, char **argv)
{
    struct buf message;
    buf_init(&message, 4096);
    enum apm_err err = service_flags_parse(argc, argv, &frame->flags, &message);
    if (err != APM_OK) {
        (void)fprintf(stderr, "%s: %s\n", frame->service->name, buf_str(&message));
    }
    buf_release(&message);
    return err;
}

/* libzmq 4.3.4 aborts when it runs out of descriptors: have as many as we may. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int service_main(const struct service *service, int argc, char **argv)
{
    struct frame frame = {.service = service, .env = {.lock = {-1}}};
    log_init(service->name, "");
    /* Before the first hash: it picks the fast paths. Children inherit them. */
    MUST(sodium_init() >= 0);
    raise_descriptor_limit();

    enum apm_err err = read_flags(&frame, argc, argv);
    if (err == APM_OK && frame.flags.wants_help) {
        service_flags_help(service);
    } else if (err == APM_OK && frame.flags.wants_version) {
        printf("%s %s\n", service->name, APM2_VERSION);
    } else if (err == APM_OK) {
        err = read_settings(&frame);
        err = err == APM_OK ? run(&frame) : err;
    }
    release(&frame);
    return apm_err_exit(err);
}
