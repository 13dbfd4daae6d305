"""sample.py LIBRARY WEIGHTS COUNT SEED OUT: writes the samples' floats to OUT."""
import ctypes
import sys

rival = ctypes.CDLL(sys.argv[1])
rival.rival_load_generator.restype = ctypes.c_void_p
rival.rival_sample_size.restype = ctypes.c_int64
rival.rival_last_error.restype = ctypes.c_char_p
generator = ctypes.c_void_p(rival.rival_load_generator(sys.argv[2].encode()))
count = int(sys.argv[3])
samples = (ctypes.c_float * (count * rival.rival_sample_size(generator)))()
failed = rival.rival_sample(generator, ctypes.c_int64(count), ctypes.c_uint64(int(sys.argv[4])), None,
                            ctypes.c_double(0), samples, ctypes.c_int64(len(samples)))
if failed:
    sys.exit(rival.rival_last_error().decode())
open(sys.argv[5], "wb").write(samples)
rival.rival_free_generator(generator)
