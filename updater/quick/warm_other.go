//go:build !linux

package quick

func warm() {}
