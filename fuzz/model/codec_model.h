/* What ioatom/codec.h must hand out: a parser that goes over the whole stream byte by byte, again for
 * each question. Written from lib/SPEC.md. */
#ifndef IOATOM_FUZZ_MODEL_CODEC_MODEL_H
#define IOATOM_FUZZ_MODEL_CODEC_MODEL_H

#include <stddef.h>
#include <stdint.h>

enum { CODEC_STREAM_MAX = 4096 };

typedef struct codec_model {
    int prefix; /* of frames, in bytes; CODEC_VARINT; or one of the two for lines */
    size_t limit;
    uint8_t stream[CODEC_STREAM_MAX]; /* all that was taken */
    size_t size;
    size_t begin; /* of what was not handed out */
    int is_ended;
} codec_model;

enum { CODEC_VARINT = 10, CODEC_LF = 20, CODEC_CRLF = 21 };

/* What the next item is. */
typedef struct codec_answer {
    int result; /* as io_lines_next and io_frames_next return it */
    size_t at;  /* where in the stream it is, and how long; also of a line that was cut off */
    size_t length;
    size_t next; /* where the next one begins */
} codec_answer;

codec_answer codec_model_next(const codec_model *model);

#endif
