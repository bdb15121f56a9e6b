using Btrfs.Format;

namespace Btrfs.Send.State;

/// <summary>A path in one buffer, built from its last name towards the top. At most 4095 bytes, as the kernel has it.</summary>
internal sealed class PathBuilder
{
    private const int Capacity = 4095;

    private readonly byte[] _buffer = new byte[Capacity];
    private int _start = Capacity;

    public ReadOnlySpan<byte> Path => _buffer.AsSpan(_start);

    public int Length => Capacity - _start;

    public bool IsEmpty => _start == Capacity;

    public void Clear() => _start = Capacity;

    public void Set(ReadOnlySpan<byte> path)
    {
        Clear();
        Prepend(path);
    }

    /// <summary>Puts a name, or a path, in front.</summary>
    /// <exception cref="BtrfsException">The path gets longer than a path may be.</exception>
    public void Prepend(ReadOnlySpan<byte> name)
    {
        int separator = IsEmpty ? 0 : 1;
        if (name.Length + separator > _start)
            throw new BtrfsException($"path too long: more than {Capacity} bytes up to '{System.Text.Encoding.UTF8.GetString(name)}'");

        if (separator != 0)
            _buffer[--_start] = (byte)'/';
        _start -= name.Length;
        name.CopyTo(_buffer.AsSpan(_start));
    }
}
