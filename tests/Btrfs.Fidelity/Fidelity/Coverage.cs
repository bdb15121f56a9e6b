using System.Text;
using System.Text.RegularExpressions;

namespace Btrfs.Fidelity;

/// <summary>Counts which situations streams and states reached: a judge that never sees a case cannot judge it.</summary>
internal sealed partial class Coverage
{
    private const int PathToAttribute = 16;
    private const int LinkAttribute = 17;
    private const int XattrNameAttribute = 13;
    private const int XattrDataAttribute = 14;
    private const int ModeAttribute = 5;
    private const int SizeAttribute = 4;
    private const int OffsetAttribute = 18;
    private const int DataAttribute = 19;
    private const int CloneUuidAttribute = 20;
    private const int ClonePathAttribute = 22;
    private const int CloneOffsetAttribute = 23;
    private const int CloneLengthAttribute = 24;
    private const int UnencodedLengthAttribute = 28;
    private const int UnencodedOffsetAttribute = 29;
    private const int CompressionAttribute = 30;
    private const int BlockSize = 4096;

    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public long this[string what] => _counts.GetValueOrDefault(what);

    public void Count(string what, long times = 1) => _counts[what] = this[what] + times;

    public void Add(Coverage other)
    {
        foreach ((string what, long times) in other._counts)
            Count(what, times);
    }

    public void Add(Recording recording)
    {
        if (recording.Errno != 0)
        {
            Count($"refused: errno {recording.Errno}");
            return;
        }

        byte[] stream = File.ReadAllBytes(recording.File);
        int version = StreamScanner.Version(stream);
        Count($"streams: version {version}{(recording.Request.CompressedData ? " compressed" : "")}");
        ReadOnlyMemory<byte> ownUuid = default;
        Dictionary<string, int> links = [];
        foreach (ScannedCommand command in StreamScanner.Scan(stream))
        {
            Count($"command {command.Name}");
            if (command.Name is "subvol" or "snapshot")
                ownUuid = command.Attribute(1, version) ?? default;
            CountPaths(command, version);
            CountSpecial(command, version, ownUuid);
            if (command.Name == "link")
            {
                string existing = Latin(command.Attribute(LinkAttribute, version));
                links[existing] = links.GetValueOrDefault(existing) + 1;
            }
        }

        Count("files linked over 200 times in a stream", links.Values.Count(count => count > 200));
    }

    public override string ToString()
    {
        StringBuilder text = new();
        foreach ((string what, long times) in _counts)
            text.AppendLine($"{times,12:n0}  {what}");
        return text.ToString();
    }

    private void CountPaths(ScannedCommand command, int version)
    {
        if (command.PathOf(version) is not { } path)
            return;
        if (path.Length > 4000)
            Count("paths over 4000 bytes");
        else if (path.Length > 1000)
            Count("paths over 1000 bytes");
        if (path.Span.ContainsAnyInRange((byte)0x80, (byte)0xFF) && !IsUtf8(path.Span))
            Count("paths that are not UTF-8");
        if (path.Span.Count((byte)'/') >= 20)
            Count("paths over 20 levels deep");
        if (command.Name is not "rename" && Orphan().IsMatch(Latin(path)) && path.Span.Contains((byte)'/'))
            Count("commands below an orphan directory");
    }

    private void CountSpecial(ScannedCommand command, int version, ReadOnlyMemory<byte> ownUuid)
    {
        string path = Latin(command.PathOf(version));
        switch (command.Name)
        {
            case "rename":
                bool toOrphan = Orphan().IsMatch(Latin(command.Attribute(PathToAttribute, version)));
                bool fromOrphan = Orphan().IsMatch(path);
                Count(toOrphan ? "renames: an existing inode becomes an orphan" : fromOrphan ? "renames: out of an orphan name" : "renames: of a kept name");
                break;
            case "rmdir" or "unlink" when Orphan().IsMatch(path):
                Count($"{command.Name} of an orphan");
                break;
            case "set_xattr":
                string name = Latin(command.Attribute(XattrNameAttribute, version));
                Count($"xattrs: {(name.StartsWith("user.", StringComparison.Ordinal) ? "user" : name.StartsWith("trusted.", StringComparison.Ordinal) ? "trusted" : name)}");
                if (command.Attribute(XattrDataAttribute, version)?.Length > 3000)
                    Count("xattrs over 3000 bytes");
                break;
            case "write":
                if (command.Attribute(DataAttribute, version) is { } data && !data.Span.ContainsAnyExcept((byte)0))
                    Count("writes of nothing but zeros");
                break;
            case "clone":
                CountClone(command, version, ownUuid, path);
                break;
            case "encoded_write":
                CountEncodedWrite(command, version);
                break;
            case "mknod":
                Count((command.Number64(ModeAttribute, version) & 0xF000) == 0x2000 ? "mknod of a character device" : "mknod of a block device");
                break;
            case "truncate" when command.Number64(SizeAttribute, version) % BlockSize != 0:
                Count("truncates to an unaligned size");
                break;
        }
    }

    private void CountClone(ScannedCommand command, int version, ReadOnlyMemory<byte> ownUuid, string path)
    {
        bool own = command.Attribute(CloneUuidAttribute, version) is { } uuid && uuid.Span.SequenceEqual(ownUuid.Span);
        bool sameFile = own && Latin(command.Attribute(ClonePathAttribute, version)) == path;
        Count(sameFile ? "clones within a file" : own ? "clones from the same subvolume" : "clones from another subvolume");
        if (command.Number64(CloneLengthAttribute, version) % BlockSize != 0)
            Count("clones of an unaligned length");
        if (command.Number64(CloneOffsetAttribute, version) != command.Number64(OffsetAttribute, version))
            Count("clones to another offset");
    }

    private void CountEncodedWrite(ScannedCommand command, int version)
    {
        uint compression = command.Attribute(CompressionAttribute, version) is { Length: 4 } value ? BitConverter.ToUInt32(value.Span) : 0;
        Count($"encoded writes: compression {compression}");
        if (command.Number64(UnencodedOffsetAttribute, version) > 0)
            Count("encoded writes from the middle of an extent");
        if (command.Number64(UnencodedLengthAttribute, version) % BlockSize != 0)
            Count("encoded writes of inline extents");
    }

    private static bool IsUtf8(ReadOnlySpan<byte> text) => System.Text.Unicode.Utf8.IsValid(text);

    private static string Latin(ReadOnlyMemory<byte>? bytes) => bytes is { } value ? Encoding.Latin1.GetString(value.Span) : "";

    [GeneratedRegex(@"^o\d+-\d+-\d+")]
    private static partial Regex Orphan();
}
