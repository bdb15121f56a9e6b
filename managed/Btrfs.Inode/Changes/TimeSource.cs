using Btrfs.Format;

namespace Btrfs.Inode.Changes;

internal static class TimeSource
{
    private const long NanosecondsPerTick = 100;

    public static DiskTime Of(DateTimeOffset time)
    {
        // Nanoseconds count upwards from the second before, also in front of 1970.
        (long seconds, long ticks) = Math.DivRem(time.UtcTicks - DateTime.UnixEpoch.Ticks, TimeSpan.TicksPerSecond);
        return ticks < 0
            ? new DiskTime(seconds - 1, (uint)((ticks + TimeSpan.TicksPerSecond) * NanosecondsPerTick))
            : new DiskTime(seconds, (uint)(ticks * NanosecondsPerTick));
    }
}
