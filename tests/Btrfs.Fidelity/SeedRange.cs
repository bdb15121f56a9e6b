using System.Globalization;

namespace Btrfs.Fidelity;

/// <summary>A number of neighbouring seeds, written START:COUNT.</summary>
internal static class SeedRange
{
    public static IEnumerable<ulong> Parse(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length != 2
            || !ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong start)
            || !uint.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint count))
        {
            throw new ArgumentException($"'{text}' is not a range of seeds: write START:COUNT");
        }

        for (ulong offset = 0; offset < count; offset++)
            yield return start + offset;
    }
}
