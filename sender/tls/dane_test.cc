#include "sender/tls/dane.h"
