namespace Btrfs.Fidelity.Kernel;

/// <summary>Copies of images that stay as sparse as they are.</summary>
internal static class SparseFile
{
    private const int SeekData = 3;
    private const int SeekHole = 4;
    private const int ChunkSize = 1 << 20;

    public static void Copy(string from, string to)
    {
        using Descriptor source = new(KernelException.Check(Syscall.Open(from, Syscall.OpenReadOnly), $"open {from}"));
        using Descriptor target = new(KernelException.Check(
            Syscall.Open(to, Syscall.OpenWriteOnly | Syscall.OpenCreate | Syscall.OpenTruncate, 0x1A4), $"create {to}"));
        KernelException.Check(Syscall.Truncate(target.Value, new FileInfo(from).Length), $"size {to}");
        byte[] buffer = new byte[ChunkSize];
        long end = 0;
        while (true)
        {
            long start = Syscall.Seek(source.Value, end, SeekData);
            if (start < 0)
                return;
            end = Syscall.Seek(source.Value, start, SeekHole);
            for (long position = start; position < end;)
            {
                int wanted = (int)Math.Min(ChunkSize, end - position);
                int count = KernelException.Check(Syscall.Read(source.Value, buffer.AsSpan(0, wanted), position), $"read {from}");
                if (count == 0)
                    throw new InvalidOperationException($"{from} shrank while it was copied");
                // Zeros that the source has as data are dropped too: a reader cannot tell, and a disk keeps more room.
                if (buffer.AsSpan(0, count).ContainsAnyExcept((byte)0))
                    KernelException.Check(Syscall.Write(target.Value, buffer.AsSpan(0, count), position), $"write {to}");
                position += count;
            }
        }
    }
}
