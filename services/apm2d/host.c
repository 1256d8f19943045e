#include "services/apm2d/host.h"

#include <unistd.h>

#include "common/conf.h"
#include "common/file.h"
#include "common/log.h"
#include "services/apm2d/watcher.h"

static enum apm_err read_settings(const char *config, struct conf **ret_conf)
{
    struct conf_sources sources = {.file = config, .environment = environ};
    struct buf message;
    buf_init(&message, 4096);
    enum apm_err err = conf_read(&sources, ret_conf, &message);
    if (err != APM_OK) {
        err = APM_ERR_CONFIG;
        LOG_ERROR("settings_refused", F_STR("detail", buf_str(&message)),
                  F_STR("hint", "correct it and start again"));
    }
    buf_release(&message);
    return err;
}

int host_run(const char *config)
{
    struct conf *conf = NULL;
    enum apm_err err = read_settings(config, &conf);
    if (err != APM_OK)
        return apm_err_exit(err);

    struct roster_source source = {.config = config, .node = conf_str(conf, SETTING_node)};
    const char *run_dir = conf_str(conf, SETTING_run_dir);
    log_init("apm2d", source.node);
    log_set_level((enum log_level)conf_word(conf, SETTING_log_level));
    log_set_format((enum log_format)conf_word(conf, SETTING_log_format));
    err = file_make_dirs(run_dir);
    if (err != APM_OK)
        LOG_ERROR("run_dir_unusable", F_STR("run_dir", run_dir), F_ERR(err),
                  F_STR("hint", "create it, or set run_dir"));
    int code = err == APM_OK ? watcher_run(run_dir, &source) : apm_err_exit(err);
    conf_destroy(&conf);
    return code;
}
