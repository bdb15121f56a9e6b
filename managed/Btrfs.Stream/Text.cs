using System.Text;

namespace Btrfs.Stream;

/// <summary>Names for messages, on one line: what is not UTF-8 and what controls a terminal is replaced.</summary>
internal static class Text
{
    private const int LongestBytes = 256;

    public static string Of(ReadOnlySpan<byte> name)
    {
        string text = Encoding.UTF8.GetString(name.Length <= LongestBytes ? name : name[..LongestBytes]);
        string shown = string.Concat(text.Select(letter => char.IsControl(letter) ? '?' : letter));
        return name.Length <= LongestBytes ? shown : shown + "...";
    }
}
