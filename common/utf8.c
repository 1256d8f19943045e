#include "common/wire_desc.h"

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* How many bytes the sequence at the head of `text` takes; 0: it is none. The
 * bounds on the second byte are those of Unicode's table 3-7: no overlong forms,
 * no surrogates, nothing above U+10FFFF. */
static size_t sequence_size(struct span text)
{
    uint8_t first = text.data[0];
    size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (size == 1)
        return 1;
    if (first < 0xc2 || first > 0xf4 || size > text.size)
        return 0;

    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (text.data[1] < low || text.data[1] > high)
        return 0;

    for (size_t i = 2; i < size; i++) {
        if (!is_continuation(text.data[i]))
            return 0;
    }
    return size;
}

bool utf8_is_valid(struct span text)
{
    while (text.size > 0) {
        size_t size = sequence_size(text);
        if (size == 0)
            return false;
        text.data += size;
        text.size -= size;
    }
    return true;
}
