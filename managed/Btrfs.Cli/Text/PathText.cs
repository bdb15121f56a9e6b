using Btrfs.Inode;

namespace Btrfs.Cli.Text;

/// <summary>A path that grows and shrinks with a walk.</summary>
internal sealed class PathText
{
    private readonly List<int> _lengths = [];
    private byte[] _bytes;
    private int _length;

    /// <param name="start">Trailing slashes are dropped; what is empty then is "/".</param>
    public PathText(FsPath start)
    {
        _bytes = start.Bytes.ToArray();
        _length = start.Bytes.TrimEnd((byte)'/').Length;
    }

    public ReadOnlySpan<byte> Bytes => _length == 0 ? "/"u8 : _bytes.AsSpan(0, _length);

    public void Down(ReadOnlySpan<byte> name)
    {
        _lengths.Add(_length);
        int needed = _length + 1 + name.Length;
        if (_bytes.Length < needed)
            Array.Resize(ref _bytes, Math.Max(needed, _bytes.Length * 2));
        _bytes[_length] = (byte)'/';
        name.CopyTo(_bytes.AsSpan(_length + 1));
        _length = needed;
    }

    public void Up()
    {
        _length = _lengths[^1];
        _lengths.RemoveAt(_lengths.Count - 1);
    }

    /// <summary>What <see cref="Down"/> added last.</summary>
    public ReadOnlySpan<byte> LastPart => _bytes.AsSpan((_lengths[^1] + 1).._length);

    public override string ToString() => new FsPath(Bytes.ToArray()).ToString();
}
