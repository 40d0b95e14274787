package settings

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// None is the text that lifts a limit of `backup`.
const None = "none"

type unit struct {
	suffix string
	factor int64
}

// The units of time and size, largest first, so that a value prints in the largest
// one that divides it. A day has 24 hours here.
func timeUnits() []unit {
	return []unit{{"d", int64(24 * time.Hour)}, {"h", int64(time.Hour)}, {"m", int64(time.Minute)}, {"s", int64(time.Second)}}
}

func sizeUnits() []unit {
	return []unit{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}
}

// ParseAge reads a whole number with the unit s, m, h or d, such as `90d`, or `none`,
// which is 0.
func ParseAge(s string) (time.Duration, error) {
	n, ok := parseQuantity(s, timeUnits())
	if !ok {
		return 0, fmt.Errorf("want a whole number above 0 with the unit d, h, m or s, such as 90d, or none, got %q", s)
	}
	return time.Duration(n), nil
}

// ParseSize reads a whole number with the unit B, KiB, MiB, GiB or TiB, such as
// `10GiB`, or `none`, which is 0.
func ParseSize(s string) (int64, error) {
	n, ok := parseQuantity(s, sizeUnits())
	if !ok {
		return 0, fmt.Errorf("want a whole number above 0 with the unit B, KiB, MiB, GiB or TiB, such as 10GiB, or none, got %q", s)
	}
	return n, nil
}

func parseQuantity(s string, units []unit) (int64, bool) {
	if s == None {
		return 0, true
	}
	digits := strings.TrimRight(s, "TGMKiBdhms")
	suffix := s[len(digits):]
	if digits == "" || digits[0] < '1' || digits[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, false
	}
	for _, u := range units {
		if u.suffix == suffix {
			return n * u.factor, n <= math.MaxInt64/u.factor
		}
	}
	return 0, false
}

// FormatAge writes an age as ParseAge reads it, 0 as none.
func FormatAge(d time.Duration) string { return formatQuantity(int64(d), timeUnits()) }

// FormatSize writes a size as ParseSize reads it, 0 as none.
func FormatSize(n int64) string { return formatQuantity(n, sizeUnits()) }

// formatQuantity is the inverse of parseQuantity.
func formatQuantity(n int64, units []unit) string {
	if n <= 0 {
		return None
	}
	for _, u := range units {
		if n%u.factor == 0 {
			return strconv.FormatInt(n/u.factor, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n/units[len(units)-1].factor, 10) + units[len(units)-1].suffix
}
