namespace Btrfs.Stream;

/// <summary>A time of the stream.</summary>
/// <param name="Seconds">Seconds since 1970-01-01 UTC; may be negative.</param>
/// <param name="Nanoseconds">Nanoseconds past <paramref name="Seconds"/>. The format does not keep it below 10^9.</param>
public readonly record struct StreamTime(long Seconds, uint Nanoseconds);
