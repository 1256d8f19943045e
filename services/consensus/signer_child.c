#include "services/consensus/signer_child.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/keyfile.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/slot_file.h"
#include "services/consensus/core/safety_step.h"

struct child {
    int socket;
    const char *safety_path;
    struct hash chain;
    struct sign_pair *pair;      /* in locked, guarded memory */
    struct slot_file *file;      /* NULL: observing for want of one */
    struct safety_record record; /* as in the file */
    uint8_t request[SIGN_REQUEST_BYTES_MAX];
    uint8_t encoded[RECORD_BYTES_MAX];
};

/* What one request asks for, decoded. */
struct work {
    uint64_t token;
    struct safety_record proposed;
    uint32_t n_intents;
    struct intent intents[SIGN_INTENTS_MAX];
};

/* ---- giving up what is not needed ---- */

static void ignore_signals(void)
{
    /* A terminal's interrupt or a stop of the whole group must let the node drain, which
     * takes signatures; the child ends when the node closes the socket or dies. A file
     * size limit has to be an error of the write. */
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < N_ELEMENTS(ignored); i++)
        (void)signal(ignored[i], SIG_IGN);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool harden(int socket, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        return false; /* it died before that took hold */
    const struct rlimit none = {0, 0};
    if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        setrlimit(RLIMIT_CORE, &none) != 0)
        return false;
    if (socket > 3 && close_range(3, (unsigned)socket - 1, 0) != 0)
        return false;
    return close_range((unsigned)socket + 1, UINT32_MAX, 0) == 0;
}

/* Everything is open: from here on nothing more can be. */
static bool seal(void)
{
    const struct rlimit none = {0, 0};
    return chdir("/") == 0 && setrlimit(RLIMIT_NOFILE, &none) == 0;
}

/* ---- start ---- */

static enum apm_err load_key(struct child *child, const char *path, struct why *ret_why)
{
    if (sodium_init() < 0)
        return explain(ret_why, APM_ERR_FAILED, "signer: libsodium does not start");
    child->pair = sodium_malloc(sizeof(*child->pair));
    if (child->pair == NULL)
        return explain(ret_why, APM_ERR_FAILED, "signer: no locked memory for the key");
    enum apm_err err = keyfile_read_sign(path, child->pair, ret_why);
    if (err == APM_OK)
        (void)sodium_mprotect_readonly(child->pair);
    return err;
}

static enum safety_file_state read_record(struct child *child)
{
    uint64_t counter;
    struct span bytes;
    bool is_torn;
    slot_file_newest(child->file, &counter, &bytes, &is_torn);
    if (!safety_decode(bytes, &child->record) || child->record.counter != counter)
        return SAFETY_FILE_CORRUPT;
    return SAFETY_FILE_GOOD;
}

/* Missing and corrupt are states to start in, as observers; all else is an error. */
static enum apm_err open_file(struct child *child, const char *path,
                              enum safety_file_state *ret_state, struct why *ret_why)
{
    enum apm_err err = slot_file_open(path, &child->file);
    enum safety_file_state state = SAFETY_FILE_CORRUPT;
    if (err == APM_OK)
        state = read_record(child);
    else if (err == APM_ERR_NOT_FOUND)
        state = SAFETY_FILE_MISSING;
    else if (err == APM_ERR_KEY_FILE)
        return explain(ret_why, err, "%s: others may use this safety file: chmod 600 and chown it",
                       path);
    else if (err == APM_ERR_FENCED)
        return explain(ret_why, err, "%s: another process has this safety file open", path);
    else if (err != APM_ERR_CORRUPT)
        return explain(ret_why, err, "%s: %s", path, apm_err_text(err));

    if (state != SAFETY_FILE_GOOD) {
        slot_file_close(&child->file);
        child->record.observing = true;
        (void)explain(ret_why, APM_OK, "observe: safety file %s: %s",
                      state == SAFETY_FILE_MISSING ? "missing" : "corrupt", path);
    }
    *ret_state = state;
    return APM_OK;
}

static bool send_message(const struct child *child, struct span message)
{
    ssize_t sent;
    do {
        sent = send(child->socket, message.data, message.size, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)message.size;
}

static bool send_hello(const struct child *child, enum apm_err err, enum safety_file_state state,
                       const struct why *why)
{
    struct wire_sign_hello hello = {
        .error = (uint64_t)err,
        .why = span_of(why->text, strlen(why->text)),
    };
    if (err == APM_OK) {
        hello.key = child->pair->public_key;
        hello.file_state = (uint64_t)state;
    }
    if (err == APM_OK && state == SAFETY_FILE_GOOD) {
        uint64_t counter;
        bool is_torn;
        slot_file_newest(child->file, &counter, &hello.record, &is_torn);
        hello.newest_torn = is_torn;
    }
    uint8_t bytes[SIGN_HELLO_BYTES_MAX];
    size_t size = wire_encode(WIRE_sign_hello, &hello, bytes, sizeof(bytes));
    return size > 0 && send_message(child, span_of(bytes, size));
}

static bool start(struct child *child, const struct signer_config *config)
{
    struct why why = {{0}};
    enum safety_file_state state = SAFETY_FILE_MISSING;
    enum apm_err err = load_key(child, config->key_path, &why);
    if (err == APM_OK)
        err = open_file(child, config->safety_path, &state, &why);
    if (err == APM_OK && !seal())
        err = explain(&why, APM_ERR_FAILED, "signer: cannot give up its rights: errno %d", errno);
    return send_hello(child, err, state, &why) && err == APM_OK;
}

/* ---- requests ---- */

static bool read_work(struct span bytes, struct work *ret_work)
{
    struct wire_sign_request wire;
    if (wire_decode_as(WIRE_sign_request, bytes, &wire) != WIRE_OK ||
        !safety_decode(wire.record, &ret_work->proposed))
        return false;
    ret_work->token = wire.token;
    ret_work->n_intents = 0;
    size_t cursor = 0;
    struct span blob;
    while (blobs_next(&wire.intents, &cursor, &blob)) {
        MUST(ret_work->n_intents < SIGN_INTENTS_MAX); /* the field's limit */
        if (!intent_decode(blob, &ret_work->intents[ret_work->n_intents++]))
            return false;
    }
    return true;
}

/* The end-to-end tests prove from these lines that no key signed twice at a rank. */
static void log_signature(const struct intent *intent, struct span statement)
{
    static const char *const kinds[] = {
        [INTENT_PROPOSAL] = "proposal",       [INTENT_VOTE] = "vote",
        [INTENT_COMMIT_VOTE] = "commit_vote", [INTENT_TIMEOUT] = "timeout",
        [INTENT_CHECKPOINT] = "checkpoint",
    };
    if (!log_is_on(LOG_LEVEL_DEBUG))
        return;
    struct rank rank = {0, 0, 0};
    switch (intent->kind) {
    case INTENT_PROPOSAL:
        rank = intent->proposal.rank;
        break;
    case INTENT_VOTE:
        rank = intent->vote.rank;
        break;
    case INTENT_COMMIT_VOTE:
        rank = intent->commit_vote.rank;
        break;
    case INTENT_TIMEOUT:
        rank = (struct rank){intent->timeout.epoch, intent->timeout.term, 0};
        break;
    case INTENT_CHECKPOINT: /* one per height, of whatever epoch */
        rank = (struct rank){0, 0, intent->checkpoint.height};
        break;
    }
    char text[64];
    (void)snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64 ".%" PRIu64, rank.epoch, rank.term,
                   rank.seq);
    struct hash digest = hash_bytes(statement);
    LOG_DEBUG("signed", F_STR("kind", kinds[intent->kind]), F_STR("rank", text),
              F_HASH("digest", &digest));
}

static void sign_all(const struct child *child, const struct work *work,
                     uint8_t sigs[SIGN_INTENTS_MAX * sizeof(struct sig)])
{
    for (uint32_t i = 0; i < work->n_intents; i++) {
        uint8_t statement[STATEMENT_BYTES_MAX];
        size_t size = intent_statement(&child->chain, &work->intents[i], statement);
        MUST(crypto_sign_detached(sigs + (size_t)i * sizeof(struct sig), NULL, statement, size,
                                  child->pair->secret) == 0);
        log_signature(&work->intents[i], span_of(statement, size));
    }
}

/* Durable on APM_OK. After a failure the file's content is unknown: sign no more. */
static enum apm_err write_record(struct child *child, const struct safety_record *record)
{
    size_t size = safety_encode(record, child->encoded, sizeof(child->encoded));
    MUST(size > 0);
    return slot_file_write(child->file, record->counter, span_of(child->encoded, size));
}

static bool reply(const struct child *child, const struct wire_sign_reply *wire)
{
    uint8_t bytes[SIGN_REPLY_BYTES_MAX];
    size_t size = wire_encode(WIRE_sign_reply, wire, bytes, sizeof(bytes));
    MUST(size > 0);
    return send_message(child, span_of(bytes, size));
}

static bool refuse(const struct child *child, const struct work *work, uint32_t refused,
                   enum safety_verdict verdict)
{
    LOG_WARN("sign_refused", F_U64("intent", refused),
             F_STR("reason", safety_verdict_text(verdict)),
             F_U64("counter", work->proposed.counter), F_U64("own_counter", child->record.counter));
    return reply(child, &(struct wire_sign_reply){.token = work->token,
                                                  .refused = refused,
                                                  .verdict = (uint64_t)verdict});
}

/* Approve, make durable, sign, answer: in this order. False ends the child. */
static bool serve(struct child *child, const struct work *work)
{
    struct safety_record record = child->record;
    struct safety_step step = {&work->proposed, work->intents, work->n_intents};
    uint32_t refused;
    enum safety_verdict verdict = safety_step(&record, &step, &refused);
    if (verdict != SAFETY_OK)
        return refuse(child, work, refused, verdict);

    enum apm_err err = write_record(child, &record);
    if (err != APM_OK) {
        LOG_ERROR("safety_file_not_written", F_STR("path", child->safety_path), F_ERR(err),
                  F_U64("counter", record.counter));
        return false;
    }
    child->record = record;

    uint8_t sigs[SIGN_INTENTS_MAX * sizeof(struct sig)];
    sign_all(child, work, sigs);
    return reply(child, &(struct wire_sign_reply){
                            .token = work->token,
                            .verdict = SAFETY_OK,
                            .sigs = span_of(sigs, work->n_intents * sizeof(struct sig)),
                        });
}

static void loop(struct child *child, struct work *work)
{
    for (;;) {
        ssize_t size = recv(child->socket, child->request, sizeof(child->request), 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return; /* the node closed it */
        if (!read_work(span_of(child->request, (size_t)size), work)) {
            LOG_ERROR("sign_request_malformed", F_U64("bytes", (uint64_t)size));
            return;
        }
        if (!serve(child, work))
            return;
    }
}

_Noreturn void signer_child_run(const struct signer_config *config, int socket, pid_t parent)
{
    struct child *child = mem_new(1, sizeof(*child));
    struct work *work = mem_new(1, sizeof(*work));
    child->socket = socket;
    child->safety_path = config->safety_path;
    child->chain = config->chain;

    ignore_signals();
    if (!harden(socket, parent)) {
        LOG_ERROR("signer_not_hardened", F_I64("errno", errno));
        _exit(EXIT_FAILURE);
    }
    if (start(child, config))
        loop(child, work);
    sodium_free(child->pair); /* wipes it */
    _exit(EXIT_FAILURE);
}
