using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity.Generator;

/// <summary>Shared extents: reflinks of files and ranges, within a file and across subvolumes, and dedupe.</summary>
internal static class CloneOperations
{
    private const int BlockSize = 4096;

    // The kernel stops looking for clone sources at 1024 references to an extent.
    private const int ManyReferences = 1040;

    public static void Any(Session session)
    {
        SeededRandom random = session.Random;
        if (PickSource(session) is not { } source)
        {
            DataOperations.Any(session);
            return;
        }

        switch (random.Below(20))
        {
            case < 4:
                CloneFile(session, source);
                break;
            case < 13:
                CloneRange(session, source, PickTarget(session));
                break;
            case < 16 when source.Subvolume == session.Current:
                CloneRange(session, source, source.Node);
                break;
            case < 18:
                Dedupe(session, source);
                break;
            case 18:
                CloneThenChange(session, source);
                break;
            default:
                DataOperations.Any(session);
                break;
        }
    }

    /// <summary>One block referred to more often than the kernel is willing to follow.</summary>
    public static void MakeManyReferences(Session session)
    {
        if (session.Current.MakeFile(session.Model.Root, session.Names.Next(session.Model.Root)) is not { } file)
            return;
        DataOperations.Write(session, file, 0, BlockSize);
        // Just below the limit every send of the state takes seconds: rarely.
        int count = session.Random.Below(20) switch { 0 => session.Random.Between(900, 1010), < 10 => ManyReferences, _ => session.Random.Between(20, 150) };
        using Descriptor? descriptor = session.Current.Open(file, Syscall.OpenReadWrite);
        if (descriptor is null || file.SizeBytes < BlockSize)
            return;
        int result = 0;
        for (int i = 1; i <= count && result >= 0; i++)
            result = FileIoctl.CloneRange(descriptor.Value, (long)i * BlockSize, descriptor.Value, 0, BlockSize);
        session.Log.Call($"clone one block {count} times {WorkingSubvolume.Show(file)}", result);
        if (result >= 0)
            file.SizeBytes = (count + 1L) * BlockSize;
    }

    private static (WorkingSubvolume Subvolume, Node Node)? PickSource(Session session)
    {
        WorkingSubvolume subvolume = session.Random.Percent(75) ? session.Current : session.Random.Pick(session.Subvolumes);
        Node[] filled = [.. subvolume.Model.Files.Where(file => file.SizeBytes > 0)];
        return filled.Length == 0 ? null : (subvolume, session.Random.Pick(filled));
    }

    private static Node? PickTarget(Session session)
    {
        if (session.PickFile() is { } file && session.Random.Percent(80))
            return file;
        Node parent = session.PickDirectory();
        return session.Current.MakeFile(parent, session.Names.Next(parent));
    }

    private static void CloneFile(Session session, (WorkingSubvolume Subvolume, Node Node) source)
    {
        if (PickTarget(session) is not { } target)
            return;
        WithBoth(session, source, target, "clone", (from, to) =>
        {
            int result = FileIoctl.Clone(to, from);
            if (result >= 0)
                target.SizeBytes = Math.Max(target.SizeBytes, source.Node.SizeBytes);
            return result;
        });
    }

    private static void CloneRange(Session session, (WorkingSubvolume Subvolume, Node Node) source, Node? target)
    {
        if (target is null)
            return;
        SeededRandom random = session.Random;
        long from = random.Between(0, (source.Node.SizeBytes - 1) / BlockSize) * BlockSize;
        long rest = source.Node.SizeBytes - from;
        // Length 0 means to the end of the source, which is the only unaligned end the kernel allows.
        long length = random.Percent(40) || rest < BlockSize ? rest : random.Between(1, rest / BlockSize) * BlockSize;
        long to = random.Percent(20) ? from : random.Between(0, (target.SizeBytes / BlockSize) + (random.Percent(30) ? 20 : 1)) * BlockSize;
        WithBoth(session, source, target, $"clone range {from}+{length} to {to}", (fromFile, toFile) =>
        {
            int result = FileIoctl.CloneRange(toFile, to, fromFile, from, length);
            if (result >= 0)
                target.SizeBytes = Math.Max(target.SizeBytes, to + length);
            return result;
        });
    }

    // Equal bytes are written to both files first; otherwise there would never be anything to share.
    private static void Dedupe(Session session, (WorkingSubvolume Subvolume, Node Node) source)
    {
        SeededRandom random = session.Random;
        int length = random.Between(1, 16) * BlockSize;
        if (PickTarget(session) is not { } target || target == source.Node || session.DataLeftBytes < 2 * length)
            return;
        session.DataLeftBytes -= 2 * length;
        byte[] data = session.Contents.Next(length);
        long from = random.Between(0, source.Node.SizeBytes / BlockSize) * BlockSize;
        long to = random.Between(0, target.SizeBytes / BlockSize) * BlockSize;
        WithBoth(session, source, target, $"dedupe {from}+{length} to {to}", (fromFile, toFile) =>
        {
            if (Syscall.Write(fromFile, data, from) == length)
                source.Node.SizeBytes = Math.Max(source.Node.SizeBytes, from + length);
            if (Syscall.Write(toFile, data, to) == length)
                target.SizeBytes = Math.Max(target.SizeBytes, to + length);
            return FileIoctl.DedupeRange(fromFile, from, toFile, to, length);
        });
    }

    private static void CloneThenChange(Session session, (WorkingSubvolume Subvolume, Node Node) source)
    {
        Node? target = PickTarget(session);
        CloneRange(session, source, target);
        if (source.Subvolume == session.Current)
            DataOperations.Truncate(session, session.Random.Percent(70) ? source.Node : target ?? source.Node);
    }

    private static void WithBoth(Session session, (WorkingSubvolume Subvolume, Node Node) source, Node target, string what, Func<int, int, int> call)
    {
        using Descriptor? from = source.Subvolume.Open(source.Node, Syscall.OpenReadWrite);
        using Descriptor? to = session.Current.Open(target, Syscall.OpenReadWrite);
        if (from is null || to is null)
            return;
        int result = call(from.Value, to.Value);
        session.Log.Call($"{what}: {source.Subvolume.Path}:{WorkingSubvolume.Show(source.Node)} to {WorkingSubvolume.Show(target)}", result);
    }
}
