/* The lengths in front of frames. */
#ifndef IOATOM_CODEC_LENGTH_H
#define IOATOM_CODEC_LENGTH_H

#include <ioatom/codec.h>

enum { IO_LENGTH_BYTES_MAX = 10 };

int io_length_is_known(int prefix);

/* How many bytes the prefix has; 0 if it can't hold the length. */
size_t io_length_encode(unsigned char *out, int prefix, uint64_t length);

/* How many bytes the prefix has; 0 if there are more than count; -EPROTO. */
int io_length_decode_varint(const unsigned char *bytes, size_t count, uint64_t *length);

static inline uint32_t io_length_decode_2(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static inline uint64_t io_length_decode_4(const unsigned char *bytes)
{
    return (uint64_t)io_length_decode_2(bytes) << 16 | io_length_decode_2(bytes + 2);
}

static inline int io_length_decode(const unsigned char *bytes, size_t count, int prefix,
                                   uint64_t *length)
{
    if (prefix == IO_PREFIX_VARINT) {
        return io_length_decode_varint(bytes, count, length);
    }
    if (count < (size_t)prefix) {
        return 0;
    }
    switch (prefix) {
    case IO_PREFIX_1:
        *length = bytes[0];
        break;
    case IO_PREFIX_2:
        *length = io_length_decode_2(bytes);
        break;
    case IO_PREFIX_4:
        *length = io_length_decode_4(bytes);
        break;
    default:
        *length = io_length_decode_4(bytes) << 32 | io_length_decode_4(bytes + 4);
        break;
    }
    return prefix;
}

#endif
