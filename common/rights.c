#include "common/rights.h"

static bool is_star(struct span text)
{
    return text.size == 1 && text.data[0] == '*';
}

static bool names(struct span text, const char *word)
{
    return is_star(text) || span_eq(text, span_of(word, strlen(word)));
}

bool rights_add(struct rights *rights, struct span family, struct span verb)
{
    uint64_t bits = 0;

    if (is_star(family) && is_star(verb)) {
        *rights = RIGHTS_ALL;
        return true;
    }
    for (unsigned int i = 0; i < EVENT_NONE; i++) {
        const struct event_info *info = event_info((enum event_type)i);
        bool is_named = names(family, info->family) && names(verb, info->verb);
        if (is_named && info->status != EVENT_DERIVED)
            bits |= UINT64_C(1) << i;
    }
    rights->bits |= bits;
    return bits != 0;
}

bool rights_parse(const struct event_list *texts, struct rights *ret_rights)
{
    struct rights rights = {0};

    for (uint32_t i = 0; i < texts->n; i++) {
        struct span text = texts->items[i];
        const uint8_t *slash = text.size > 0 ? memchr(text.data, '/', text.size) : NULL;
        if (slash == NULL)
            return false;

        size_t family_size = (size_t)(slash - text.data);
        struct span family = span_of(text.data, family_size);
        struct span verb = span_of(slash + 1, text.size - family_size - 1);
        if (!rights_add(&rights, family, verb))
            return false;
    }
    *ret_rights = rights;
    return true;
}

/* Appends, keeping the final 0. False, with nothing done: no room. */
static bool append(char *out, size_t capacity, size_t *size, const char *word)
{
    size_t n = strlen(word);

    if (n >= capacity - *size)
        return false;
    memcpy(out + *size, word, n + 1);
    *size += n;
    return true;
}

static bool append_right(char *out, size_t capacity, size_t *size, const struct event_info *info)
{
    return (*size == 0 || append(out, capacity, size, " ")) &&
           append(out, capacity, size, info->family) && append(out, capacity, size, "/") &&
           append(out, capacity, size, info->verb);
}

size_t rights_print(struct rights rights, char *out, size_t capacity)
{
    size_t size = 0;

    if (capacity == 0)
        return 0;
    out[0] = '\0';
    if (rights.bits == UINT64_MAX)
        return append(out, capacity, &size, "*/*") ? size : 0;

    for (unsigned int i = 0; i < EVENT_NONE; i++) {
        bool is_there = rights_allow(rights, (enum event_type)i);
        if (is_there && !append_right(out, capacity, &size, event_info((enum event_type)i)))
            return 0;
    }
    return size;
}
