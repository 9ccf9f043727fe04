#include "codec_model.h"

#include <errno.h>

enum { MORE, ITEM, END };

/* IO-LINE-3 to IO-LINE-5. */
static codec_answer next_line(const codec_model *model)
{
    codec_answer answer = {MORE, model->begin, 0, model->begin};
    for (size_t i = model->begin; i < model->size; i++) {
        if (model->stream[i] == '\n') {
            answer.next = i + 1;
            answer.length = i - model->begin;
            if (model->prefix == CODEC_CRLF && answer.length > 0 && model->stream[i - 1] == '\r') {
                answer.length--;
            }
            answer.result = answer.length > model->limit ? -EMSGSIZE : ITEM;
            return answer;
        }
    }
    size_t left = model->size - model->begin;
    int may_be_end = model->prefix == CODEC_CRLF && left == model->limit + 1 &&
                     model->stream[model->size - 1] == '\r' && !model->is_ended;
    answer.length = left;
    if (left > model->limit && !may_be_end) {
        answer.result = -EMSGSIZE;
    } else if (model->is_ended) {
        answer.result = left == 0 ? END : -EBADMSG;
    }
    return answer;
}

/* The length that stands there, and how many bytes it takes; 0: it is not whole; -EPROTO. */
static int read_prefix(const codec_model *model, uint64_t *length)
{
    const uint8_t *at = model->stream + model->begin;
    size_t left = model->size - model->begin;
    *length = 0;
    if (model->prefix != CODEC_VARINT) {
        if (left < (size_t)model->prefix) {
            return 0;
        }
        for (int i = 0; i < model->prefix; i++) {
            *length = *length * 256 + at[i];
        }
        return model->prefix;
    }
    uint64_t weight = 1; /* 0 when there is none of 64 bits */
    for (int i = 0; (size_t)i < left; i++) {
        uint64_t digit = at[i] % 128;
        if (i == 10 || (digit > 0 && (weight == 0 || digit > UINT64_MAX / weight))) {
            return -EPROTO;
        }
        *length += digit * weight;
        weight = i == 9 ? 0 : weight * 128;
        if (at[i] < 128) {
            return i + 1;
        }
        if (i == 9) {
            return -EPROTO;
        }
    }
    return 0;
}

/* IO-FRAME-2 to IO-FRAME-6. */
static codec_answer next_frame(const codec_model *model)
{
    codec_answer answer = {MORE, model->begin, 0, model->begin};
    size_t left = model->size - model->begin;
    uint64_t length;
    int prefix = read_prefix(model, &length);
    if (prefix < 0) {
        answer.result = prefix;
    } else if (prefix > 0 && length > model->limit) {
        answer.result = -EMSGSIZE;
    } else if (prefix > 0 && length <= left - (size_t)prefix) {
        answer.result = ITEM;
        answer.at = model->begin + (size_t)prefix;
        answer.length = (size_t)length;
        answer.next = answer.at + answer.length;
    } else if (model->is_ended) {
        answer.result = left == 0 ? END : -EBADMSG;
    }
    return answer;
}

codec_answer codec_model_next(const codec_model *model)
{
    return model->prefix >= CODEC_LF ? next_line(model) : next_frame(model);
}
