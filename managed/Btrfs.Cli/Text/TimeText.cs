using System.Globalization;
using Btrfs.Format;

namespace Btrfs.Cli.Text;

/// <summary>Points in time for people, in the local time zone.</summary>
internal static class TimeText
{
    private static readonly long s_first = DateTimeOffset.MinValue.ToUnixTimeSeconds();
    private static readonly long s_last = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    /// <summary>Whole seconds and the zone.</summary>
    public static string Seconds(DiskTime time) => Format(time, "yyyy-MM-dd HH:mm:ss zz00", "");

    /// <summary>Whole seconds, without the zone.</summary>
    public static string Short(DiskTime time) => Format(time, "yyyy-MM-dd HH:mm:ss", "");

    /// <summary>All that is stored, and the zone.</summary>
    public static string Full(DiskTime time) => Format(time, "yyyy-MM-dd HH:mm:ss.", $"{time.Nanoseconds:D9} ", "zz00");

    // What lies outside the years that the calendar knows is told as it is stored.
    private static string Format(DiskTime time, string head, string middle, string? tail = null)
    {
        if (time.Seconds < s_first || time.Seconds > s_last)
            return string.Create(CultureInfo.InvariantCulture, $"@{time.Seconds}.{time.Nanoseconds:D9}");

        DateTimeOffset utc = DateTimeOffset.FromUnixTimeSeconds(time.Seconds);
        DateTimeOffset local = utc.UtcDateTime - DateTime.MinValue > TimeSpan.FromDays(1) && DateTime.MaxValue - utc.UtcDateTime > TimeSpan.FromDays(1)
            ? TimeZoneInfo.ConvertTime(utc, TimeZoneInfo.Local)
            : utc;
        string text = local.ToString(head, CultureInfo.InvariantCulture) + middle;
        return tail is null ? text : text + local.ToString(tail, CultureInfo.InvariantCulture);
    }
}
