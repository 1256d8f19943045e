#include "services/consensus/signer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/must.h"
#include "services/consensus/signer_child.h"

/* Opening syncs the safety file; a disk that takes longer is no disk to sign on. */
#define HELLO_TIMEOUT_MS 30000

struct message {
    uint8_t *bytes;
    size_t size;
};

struct signer {
    pid_t pid;
    int socket;
    bool is_gone;
    uint32_t first; /* of the ring */
    uint32_t n_queued;
    struct message queue[SIGNER_QUEUE_MAX];
    uint8_t request[SIGN_REQUEST_BYTES_MAX];
};

static enum apm_err read_hello(struct span bytes, struct signer_hello *ret_hello,
                               struct why *ret_why)
{
    struct wire_sign_hello wire;
    if (wire_decode_as(WIRE_sign_hello, bytes, &wire) != WIRE_OK || wire.error >= APM_ERR_END ||
        wire.file_state > SAFETY_FILE_CORRUPT)
        return explain(ret_why, APM_ERR_FAILED, "signer: its hello is not one");
    if (wire.error != APM_OK)
        return explain(ret_why, (enum apm_err)wire.error, "%.*s", (int)wire.why.size,
                       (const char *)wire.why.data);

    struct signer_hello hello = {
        .key = wire.key,
        .file_state = (enum safety_file_state)wire.file_state,
        .is_newest_torn = wire.newest_torn != 0,
    };
    if (hello.file_state == SAFETY_FILE_GOOD && !safety_decode(wire.record, &hello.record))
        return explain(ret_why, APM_ERR_FAILED, "signer: the record of its hello is not one");
    (void)explain(&hello.why, APM_OK, "%.*s", (int)wire.why.size, (const char *)wire.why.data);
    *ret_hello = hello;
    return APM_OK;
}

static enum apm_err await_hello(int socket, struct signer_hello *ret_hello, struct why *ret_why)
{
    struct pollfd pollfd = {.fd = socket, .events = POLLIN};
    int n_ready;
    do {
        n_ready = poll(&pollfd, 1, HELLO_TIMEOUT_MS);
    } while (n_ready < 0 && errno == EINTR);
    if (n_ready <= 0)
        return explain(ret_why, APM_ERR_TIMED_OUT, "signer: no hello within %d s",
                       HELLO_TIMEOUT_MS / 1000);

    uint8_t bytes[SIGN_HELLO_BYTES_MAX];
    ssize_t size = recv(socket, bytes, sizeof(bytes), 0);
    if (size <= 0)
        return explain(ret_why, APM_ERR_FAILED, "signer: died before its hello");
    return read_hello(span_of(bytes, (size_t)size), ret_hello, ret_why);
}

enum apm_err signer_start(const struct signer_config *config, struct signer **ret_signer,
                          struct signer_hello *ret_hello, struct why *ret_why)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return explain(ret_why, APM_ERR_IO, "signer: no socketpair: errno %d", errno);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        close(ends[0]);
        close(ends[1]);
        return explain(ret_why, APM_ERR_IO, "signer: cannot fork: errno %d", errno);
    }
    if (pid == 0)
        signer_child_run(config, ends[1], parent);
    close(ends[1]);

    struct signer *signer = mem_new(1, sizeof(*signer));
    signer->pid = pid;
    signer->socket = ends[0];
    enum apm_err err = await_hello(signer->socket, ret_hello, ret_why);
    if (err != APM_OK) {
        (void)kill(pid, SIGKILL); /* it may hang on its disk */
        signer_stop(&signer);
        return err;
    }
    *ret_signer = signer;
    return APM_OK;
}

int signer_fd(const struct signer *signer)
{
    return signer->socket;
}

bool signer_has_queued(const struct signer *signer)
{
    return signer->n_queued > 0;
}

int signer_pid(const struct signer *signer)
{
    return signer->pid;
}

static size_t encode_request(struct signer *signer, const struct sign_job *job)
{
    uint8_t bytes[SIGN_INTENTS_MAX][INTENT_BYTES_MAX];
    struct span intents[SIGN_INTENTS_MAX];
    for (uint32_t i = 0; i < job->n_intents; i++)
        intents[i] = span_of(bytes[i], intent_encode(&job->intents[i], bytes[i]));

    struct wire_sign_request wire = {
        .token = job->token,
        .record = job->record,
        .intents = {.n = job->n_intents, .items = intents},
    };
    return wire_encode(WIRE_sign_request, &wire, signer->request, sizeof(signer->request));
}

/* The socket keeps message boundaries: all of it goes or nothing. */
static enum apm_err send_now(struct signer *signer, struct span message)
{
    ssize_t sent;
    do {
        sent = send(signer->socket, message.data, message.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return APM_OK;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return APM_ERR_BUSY;
    signer->is_gone = true;
    return APM_ERR_FAILED;
}

static enum apm_err enqueue(struct signer *signer, struct span message)
{
    if (signer->n_queued == SIGNER_QUEUE_MAX)
        return APM_ERR_BUSY;
    struct message *slot = &signer->queue[(signer->first + signer->n_queued) % SIGNER_QUEUE_MAX];
    slot->bytes = mem_new(1, message.size);
    slot->size = message.size;
    memcpy(slot->bytes, message.data, message.size);
    signer->n_queued++;
    return APM_OK;
}

enum apm_err signer_send(struct signer *signer, const struct sign_job *job)
{
    MUST(job->n_intents <= SIGN_INTENTS_MAX);
    if (signer->is_gone)
        return APM_ERR_FAILED;

    size_t size = encode_request(signer, job);
    MUST(size > 0);
    struct span message = span_of(signer->request, size);
    enum apm_err err = APM_ERR_BUSY;
    if (signer->n_queued == 0) /* requests keep their order */
        err = send_now(signer, message);
    return err == APM_ERR_BUSY ? enqueue(signer, message) : err;
}

enum apm_err signer_flush(struct signer *signer)
{
    while (signer->n_queued > 0 && !signer->is_gone) {
        struct message *slot = &signer->queue[signer->first];
        enum apm_err err = send_now(signer, span_of(slot->bytes, slot->size));
        if (err != APM_OK)
            return err == APM_ERR_BUSY ? APM_OK : err;
        free(slot->bytes);
        signer->first = (signer->first + 1) % SIGNER_QUEUE_MAX;
        signer->n_queued--;
    }
    return signer->is_gone ? APM_ERR_FAILED : APM_OK;
}

static bool read_reply(struct span bytes, struct sign_result *ret_result)
{
    struct wire_sign_reply wire;
    if (wire_decode_as(WIRE_sign_reply, bytes, &wire) != WIRE_OK ||
        wire.sigs.size % sizeof(struct sig) != 0)
        return false;
    ret_result->token = wire.token;
    ret_result->n_sigs = (uint32_t)(wire.sigs.size / sizeof(struct sig));
    MUST(ret_result->n_sigs <= SIGN_INTENTS_MAX); /* the field's limit */
    if (wire.sigs.size > 0)
        memcpy(ret_result->sigs, wire.sigs.data, wire.sigs.size);
    ret_result->refused = (uint32_t)wire.refused;
    ret_result->verdict = (enum safety_verdict)wire.verdict;
    return true;
}

enum signer_event signer_receive(struct signer *signer, struct sign_result *ret_result)
{
    if (signer->is_gone)
        return SIGNER_GONE;
    uint8_t bytes[SIGN_REPLY_BYTES_MAX];
    ssize_t size;
    do {
        size = recv(signer->socket, bytes, sizeof(bytes), MSG_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return SIGNER_NOTHING;
    if (size <= 0 || !read_reply(span_of(bytes, (size_t)size), ret_result)) {
        signer->is_gone = true;
        return SIGNER_GONE;
    }
    return ret_result->verdict == SAFETY_OK ? SIGNER_SIGNED : SIGNER_REFUSED;
}

void signer_stop(struct signer **signer)
{
    struct signer *it = *signer;
    if (it == NULL)
        return;
    *signer = NULL;
    close(it->socket);
    while (waitpid(it->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    for (uint32_t i = 0; i < it->n_queued; i++)
        free(it->queue[(it->first + i) % SIGNER_QUEUE_MAX].bytes);
    free(it);
}
