using System.Buffers.Binary;
using Btrfs.Interop;

namespace Btrfs.Stream;

/// <summary>The checksum of a command: crc32c without the final inversion, over a header whose crc is zero and all that follows.</summary>
internal static class CommandCrc
{
    /// <summary>Whether a command is what its crc says.</summary>
    /// <param name="command">The whole of it.</param>
    /// <param name="stored">What the command says.</param>
    /// <param name="computed">What it should say.</param>
    public static bool IsRight(ReadOnlySpan<byte> command, out uint stored, out uint computed)
    {
        Span<byte> header = stackalloc byte[StreamFormat.CommandHeaderBytes];
        command[..StreamFormat.CommandHeaderBytes].CopyTo(header);
        Span<byte> field = header[StreamFormat.CommandCrcOffset..];
        stored = BinaryPrimitives.ReadUInt32LittleEndian(field);
        field.Clear();
        computed = Crc32C.Update(Crc32C.Update(0, header), command[StreamFormat.CommandHeaderBytes..]);
        return stored == computed;
    }
}
