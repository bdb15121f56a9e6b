using System.Globalization;
using System.Text;
using Btrfs.Format;
using Btrfs.Stream;

namespace Btrfs.Receive.Parts;

/// <summary>
/// What a subvolume that is being received says of itself, in an xattr of its top directory: where the stream has come, and how to tell that a stream that comes later is the same one.
/// The xattr is written in the same transactions as what it tells of. Text lines, the name last, since that is any bytes.
/// </summary>
/// <param name="Token">Where the stream has come.</param>
/// <param name="First">The crc of the stream's second command, the first of the content: a stream that begins with another one is the rest of it.</param>
/// <param name="Chain">Over the crc of each command that is done: a whole stream that comes again must have the same.</param>
/// <param name="Name">What the subvolume will be called.</param>
internal sealed record PartMark(ResumeToken Token, uint First, ulong Chain, byte[] Name)
{
    private const string Prefix = ".btrfs-engine-part-";
    private const ulong ChainFactor = 0x100000001B3;

    /// <summary>Of the sender's subvolume, as the stream has it.</summary>
    public Uuid Uuid => Uuid.Parse(Token.Uuid.ToString());

    /// <summary>"trusted." xattrs are shown to root alone, and every kernel keeps them.</summary>
    public static ReadOnlySpan<byte> XattrName => "trusted.btrfs-engine.receive"u8;

    /// <summary>What the subvolume is called meanwhile.</summary>
    public static byte[] PartName(Uuid uuid) => Encoding.ASCII.GetBytes(Prefix + uuid);

    /// <summary>Whether a name is one of those, and of what.</summary>
    public static bool IsPartName(ReadOnlySpan<byte> name, out Uuid uuid)
    {
        uuid = default;
        bool isName = name.StartsWith(Encoding.ASCII.GetBytes(Prefix)) && Guid.TryParseExact(Encoding.ASCII.GetString(name[Prefix.Length..]), "D", out _);
        if (isName)
            uuid = Uuid.Parse(Encoding.ASCII.GetString(name[Prefix.Length..]));
        return isName;
    }

    public static ulong Continue(ulong chain, uint crc) => unchecked((chain ^ crc) * ChainFactor);

    public byte[] ToBytes() =>
        [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Token}\n{First:x8}\n{Chain:x16}\n")), .. Name];

    /// <summary>Null for what is no such mark.</summary>
    public static PartMark? TryParse(ReadOnlySpan<byte> bytes)
    {
        string[] lines = Encoding.Latin1.GetString(bytes).Split('\n', 4);
        return lines.Length == 4 && ResumeToken.TryParse(lines[0], out ResumeToken? token)
            && uint.TryParse(lines[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint first)
            && ulong.TryParse(lines[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong chain)
            ? new PartMark(token, first, chain, Encoding.Latin1.GetBytes(lines[3]))
            : null;
    }
}
