namespace Btrfs.Inode.Names;

/// <summary>An extended attribute. ACLs, capabilities and properties are such too, under names of their own.</summary>
public sealed class Xattr
{
    private readonly byte[] _name;
    private readonly byte[] _value;

    internal Xattr(in DirEntry entry)
    {
        _name = entry.Name.ToArray();
        _value = entry.Data.ToArray();
    }

    /// <summary>The whole name with its class ("user.", "security." and so on).</summary>
    public ReadOnlySpan<byte> Name => _name;

    public ReadOnlySpan<byte> Value => _value;
}
