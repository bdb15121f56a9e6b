using System.Buffers.Binary;
using System.Text;
using Btrfs.Inode.Names;

namespace Btrfs.Cli.Text;

/// <summary>Values of extended attributes for people: ACLs and capabilities in words, text in quotes, all else in hexadecimal.</summary>
internal static class XattrText
{
    private const uint AclVersion = 2;
    private const int AclHeaderSize = 4;
    private const int AclEntrySize = 8;
    private const uint CapabilityEffective = 1;

    public static string Format(Xattr xattr)
    {
        string? words = xattr.Name switch
        {
            var name when name.SequenceEqual("system.posix_acl_access"u8) || name.SequenceEqual("system.posix_acl_default"u8) => Acl(xattr.Value),
            var name when name.SequenceEqual("security.capability"u8) => Capability(xattr.Value),
            _ => null,
        };
        string raw = IsText(xattr.Value) ? $"\"{Encoding.ASCII.GetString(xattr.Value).Replace("\\", "\\\\").Replace("\"", "\\\"")}\"" : $"0x{Convert.ToHexStringLower(xattr.Value)}";
        return words is null ? raw : $"{raw} ({words})";
    }

    private static bool IsText(ReadOnlySpan<byte> value) => !value.ContainsAnyExceptInRange((byte)' ', (byte)'~');

    /// <summary>Null where it is no ACL of the version that Linux writes.</summary>
    private static string? Acl(ReadOnlySpan<byte> value)
    {
        if (value.Length < AclHeaderSize || (value.Length - AclHeaderSize) % AclEntrySize != 0 || BinaryPrimitives.ReadUInt32LittleEndian(value) != AclVersion)
            return null;

        List<string> entries = [];
        for (ReadOnlySpan<byte> rest = value[AclHeaderSize..]; !rest.IsEmpty; rest = rest[AclEntrySize..])
        {
            uint permissions = BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]);
            uint id = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            string who = BinaryPrimitives.ReadUInt16LittleEndian(rest) switch
            {
                0x01 => "user:",
                0x02 => $"user:{id}",
                0x04 => "group:",
                0x08 => $"group:{id}",
                0x10 => "mask:",
                0x20 => "other:",
                var tag => $"{tag}:{id}",
            };
            entries.Add($"{who}:{((permissions & 4) != 0 ? 'r' : '-')}{((permissions & 2) != 0 ? 'w' : '-')}{((permissions & 1) != 0 ? 'x' : '-')}");
        }

        return string.Join(',', entries);
    }

    /// <summary>Null where it is no capability set of a known revision: a magic number, then two pairs of permitted and inheritable bits.</summary>
    private static string? Capability(ReadOnlySpan<byte> value)
    {
        if (value.Length is not (20 or 24))
            return null;

        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(value);
        ulong permitted = BinaryPrimitives.ReadUInt32LittleEndian(value[4..]) | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(value[12..]) << 32);
        ulong inheritable = BinaryPrimitives.ReadUInt32LittleEndian(value[8..]) | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(value[16..]) << 32);
        string effective = (magic & CapabilityEffective) != 0 ? "effective" : "not effective";
        string owner = value.Length == 24 ? $", root uid {BinaryPrimitives.ReadUInt32LittleEndian(value[20..])}" : "";
        return $"permitted 0x{permitted:x}, inheritable 0x{inheritable:x}, {effective}{owner}";
    }
}
