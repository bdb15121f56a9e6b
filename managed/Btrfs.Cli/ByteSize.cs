using System.Globalization;

namespace Btrfs.Cli;

/// <summary>Numbers of bytes for people, as btrfs-progs writes them: two decimals and a binary unit.</summary>
internal static class ByteSize
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    public static string Format(long bytes) => Format((ulong)bytes);

    public static string Format(ulong bytes)
    {
        int unit = 0;
        double value = bytes;
        for (; value >= 1024 && unit < s_units.Length - 1; unit++)
            value /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{value:F2}{s_units[unit]}");
    }
}
