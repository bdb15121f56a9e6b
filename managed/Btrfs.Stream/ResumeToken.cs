using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Btrfs.Stream;

/// <summary>
/// Where a stream of one subvolume was cut: what the receiver has for good, told to the sender so that it goes on from there. As text it is
/// <c>v1:UUID:CTRANSID:OFFSET:COMMANDS</c>, numbers in decimal.
/// </summary>
/// <param name="Uuid">UUID of the sent subvolume, as its stream names it.</param>
/// <param name="Ctransid">Its ctransid, as its stream names it.</param>
/// <param name="StreamOffset">How much of the stream the receiver has, in bytes from the stream header on, which counts; a whole number of commands.</param>
/// <param name="CommandCount">How many commands that is, the one that names the subvolume included.</param>
public sealed record ResumeToken(Guid Uuid, ulong Ctransid, long StreamOffset, long CommandCount)
{
    private const string Version = "v1";

    /// <summary>Reads the text form.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ResumeToken? token)
    {
        string[] parts = (text ?? "").Split(':');
        token = null;
        if (parts.Length == 5 && parts[0] == Version
            && Guid.TryParseExact(parts[1], "D", out Guid uuid)
            && ulong.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out ulong ctransid)
            && long.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out long offset)
            && long.TryParse(parts[4], NumberStyles.None, CultureInfo.InvariantCulture, out long commands))
        {
            token = new ResumeToken(uuid, ctransid, offset, commands);
        }

        return token is not null;
    }

    /// <summary>The text form.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Version}:{Uuid:D}:{Ctransid}:{StreamOffset}:{CommandCount}");
}
