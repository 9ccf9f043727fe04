/* The lengths in front of frames: some bytes, most significant first, or a varint. */
#include "../os/platform.h"

#include "length.h"

#include <errno.h>

int io_length_is_known(int prefix)
{
    return prefix == IO_PREFIX_1 || prefix == IO_PREFIX_2 || prefix == IO_PREFIX_4 ||
           prefix == IO_PREFIX_8 || prefix == IO_PREFIX_VARINT;
}

static size_t encode_varint(unsigned char *out, uint64_t length)
{
    size_t count = 0;
    while (length > 0x7f) {
        out[count++] = (unsigned char)(0x80 | (length & 0x7f));
        length >>= 7;
    }
    out[count++] = (unsigned char)length;
    return count;
}

size_t io_length_encode(unsigned char *out, int prefix, uint64_t length)
{
    if (prefix == IO_PREFIX_VARINT) {
        return encode_varint(out, length);
    }
    for (int i = prefix - 1; i >= 0; i--) {
        out[i] = (unsigned char)(length & 0xff);
        length >>= 8;
    }
    return length == 0 ? (size_t)prefix : 0;
}

int io_length_decode_varint(const unsigned char *bytes, size_t count, uint64_t *length)
{
    uint64_t value = 0;
    for (int i = 0; i < IO_PREFIX_VARINT; i++) {
        if ((size_t)i == count) {
            return 0;
        }
        if (i == IO_PREFIX_VARINT - 1 && bytes[i] > 1) {
            return -EPROTO; /* beyond 64 bits, or it goes on */
        }
        value |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
        if (!(bytes[i] & 0x80)) {
            *length = value;
            return i + 1;
        }
    }
    return -EPROTO;
}
