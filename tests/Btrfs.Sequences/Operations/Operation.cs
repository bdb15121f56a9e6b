using System.Globalization;
using System.Text;
using Btrfs.Fidelity.Generator;

namespace Btrfs.Sequences.Operations;

/// <summary>
/// One step of a sequence, with all that is needed to do it again. Paths count from the top level and are bytes, each held in a char of its value.
/// </summary>
internal sealed record Operation(Verb Verb, string Path = "", string Other = "", ulong Offset = 0, ulong Length = 0, ulong Value = 0)
{
    private const int AclHeaderSize = 4;
    private const int AclEntrySize = 8;

    public byte[] PathBytes => Encoding.Latin1.GetBytes(Path);

    public byte[] OtherBytes => Encoding.Latin1.GetBytes(Other);

    public bool IsControl => Verb >= Verb.Judge;

    /// <summary>What a write writes, or an xattr holds.</summary>
    public byte[] Content() => Verb switch
    {
        Verb.SetAcl => Acl(new SeededRandom(Value)),
        Verb.SetCapability => Capability(new SeededRandom(Value)),
        Verb.SetCompression => OtherBytes,
        _ => new ContentSource(new SeededRandom(Value)).Next(checked((int)Length)),
    };

    /// <summary>Names of the links of <see cref="Verb.LinkMany"/>: long ones, so that few are needed to fill an item.</summary>
    public IEnumerable<string> LinkNames() =>
        Enumerable.Range(0, (int)Length).Select(number => string.Create(CultureInfo.InvariantCulture, $"{Other}-{number:d60}"));

    public override string ToString()
    {
        StringBuilder text = new(Verb.ToString());
        text.Append(CultureInfo.InvariantCulture, $" {Show(Path)}");
        if (Other.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $" -> {Show(Other)}");
        if ((Offset | Length | Value) != 0)
            text.Append(CultureInfo.InvariantCulture, $" offset={Offset} length={Length} value=0x{Value:x}");
        return text.ToString();
    }

    /// <summary>A path for a person: of long runs of one character the length alone, so that it can be told from all others.</summary>
    public static string Show(string path)
    {
        StringBuilder text = new();
        for (int at = 0; at < path.Length;)
        {
            int run = path.AsSpan(at).IndexOfAnyExcept(path[at]);
            run = run < 0 ? path.Length - at : run;
            text.Append(path[at] is > ' ' and <= '~' ? path[at].ToString() : $"\\x{(int)path[at]:x2}");
            if (run > 8)
                text.Append(CultureInfo.InvariantCulture, $"*{run}");
            at += run > 8 ? run : 1;
        }

        return text.ToString();
    }

    // A valid list: owner, perhaps named users and groups with a mask, group, other. In the order that the kernel asks for.
    private static byte[] Acl(SeededRandom random)
    {
        List<(ushort Tag, ushort Permissions, uint Id)> entries = [(1, Some(random), uint.MaxValue)];
        int users = random.Below(3);
        int groups = random.Below(3);
        for (int i = 0; i < users; i++)
            entries.Add((2, Some(random), (uint)(1000 + i)));
        entries.Add((4, Some(random), uint.MaxValue));
        for (int i = 0; i < groups; i++)
            entries.Add((8, Some(random), (uint)(2000 + i)));
        if (users + groups > 0)
            entries.Add((16, Some(random), uint.MaxValue));
        entries.Add((32, Some(random), uint.MaxValue));

        byte[] acl = new byte[AclHeaderSize + AclEntrySize * entries.Count];
        acl[0] = 2;
        for (int i = 0; i < entries.Count; i++)
        {
            Span<byte> entry = acl.AsSpan(AclHeaderSize + AclEntrySize * i);
            BitConverter.TryWriteBytes(entry, entries[i].Tag);
            BitConverter.TryWriteBytes(entry[2..], entries[i].Permissions);
            BitConverter.TryWriteBytes(entry[4..], entries[i].Id);
        }

        return acl;
    }

    private static ushort Some(SeededRandom random) => (ushort)random.Below(8);

    // Version 2 of the format, in 20 bytes; of the capabilities only such as every kernel knows.
    private static byte[] Capability(SeededRandom random)
    {
        byte[] value = new byte[20];
        value[3] = 2;
        value[0] = (byte)random.Below(2);
        BitConverter.TryWriteBytes(value.AsSpan(4), (uint)random.NextULong());
        return value;
    }
}
