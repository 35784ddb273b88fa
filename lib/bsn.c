#include "bsn.h"

#include <string.h>

bool idb_bsn_is_valid(const char *text)
{
    int sum = 0;

    if (strlen(text) != 9 || strspn(text, "0123456789") != 9)
        return false;
    for (int i = 0; i < 8; i++)
        sum += (9 - i) * (text[i] - '0');
    sum -= text[8] - '0';
    return sum != 0 && sum % 11 == 0;
}
