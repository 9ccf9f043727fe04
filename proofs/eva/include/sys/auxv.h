/* getauxval(3) for Frama-C, whose C library has no such header. */
#ifndef EVA_SYS_AUXV_H
#define EVA_SYS_AUXV_H

#define AT_SECURE 23

unsigned long getauxval(unsigned long type);

#endif
