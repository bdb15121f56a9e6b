using Btrfs.Ctree;
using Btrfs.Engine;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Send;

namespace Btrfs.Fidelity.Demo;

/// <summary>
/// The bug that Linux had until 2019, told step by step on the images of a golden state: a send that reads the last commit and no more, beside the engine's, which first
/// flushes what was written.
/// </summary>
internal sealed class Story : IDisposable
{
    private const int PatternBytes = 108 << 10;
    private const byte Pattern = 0xEA;
    private const int ManyFiles = 200;

    private readonly BtrfsFileSystem _fs;
    private bool _isTrue = true;

    private Story(IReadOnlyList<string> images) => _fs = BtrfsFileSystem.Open(images, new BtrfsOpenOptions { Writable = true });

    /// <returns>Whether every step came out as it should.</returns>
    public static bool Tell(string golden, string work)
    {
        (List<string> images, _) = Golden.Open(golden, work);
        using Story story = new(images);
        Console.WriteLine($"On {images.Count} image files with a file system that Linux made; they are opened for writing, without mounting them and without root.");
        story.TellOfTheWrite();
        story.TellOfTheParent();
        story.TellOfTheWriters();
        return story._isTrue;
    }

    public void Dispose() => _fs.Dispose();

    private void TellOfTheWrite()
    {
        Step("A subvolume 'photos' gets a file of 108 KiB, every byte 0xEA, and is made read-only, to be sent.");

        // Nothing is to be written back by chance while the story is told.
        _fs.Delalloc.Writeback.Hold();
        _fs.CreateSubvolume("photos");
        _fs.CreateFile("photos/cat.raw");
        _fs.WriteFile("photos/cat.raw", 0, Filled(Pattern));
        _fs.SetReadOnly("photos", true);
        Tell($"As in Linux, what is written stays in memory at first (delalloc): {_fs.Delalloc.DirtyBytes >> 10} KiB wait. The file system's trees have the file, but not its bytes.");

        Step("Sent as Linux did it until 2019: the last commit is read, and that is all.");
        long arrived = Count(CommitOnly("photos", parent: null), Pattern);
        Tell($"The stream is well-formed and ends as it should. The receiver gets {arrived:n0} of {PatternBytes:n0} bytes. Nobody complains: the backup looks good.", arrived == 0);

        Step("Sent by this engine.");
        arrived = Count(EngineSend("photos", parent: null), Pattern);
        Tell($"It enters the subvolume as being sent, writes back what waits, waits for it, commits, and only then reads. {arrived:n0} of {PatternBytes:n0} bytes arrive.", arrived == PatternBytes);
    }

    private void TellOfTheParent()
    {
        Step("The same trap in a parent: 'monday' is overwritten just before it becomes read-only, 'tuesday' still has the old bytes.");
        const byte Old = 0x17;
        _fs.CreateSubvolume("work");
        _fs.CreateFile("work/table");
        _fs.WriteFile("work/table", 0, Filled(Old));
        _fs.CreateSnapshot("work", "monday", isReadOnly: false);
        _fs.CreateSnapshot("work", "tuesday", isReadOnly: true);
        _fs.WriteFile("monday/table", 0, Filled(Pattern));
        _fs.SetReadOnly("monday", true);

        long unflushed = Count(CommitOnly("tuesday", "monday"), Old);
        Tell($"Read from the last commit the two look alike: {unflushed:n0} bytes are sent, and the receiver's tuesday holds monday's bytes. Wrong data, and no error.", unflushed == 0);
        long flushed = Count(EngineSend("tuesday", "monday"), Old);
        Tell($"The engine flushes the parent too, and each clone source: {flushed:n0} bytes are sent, and tuesday is tuesday.", flushed == PatternBytes);
    }

    private void TellOfTheWriters()
    {
        Step("A send beside a writer who never stops.");
        for (int i = 0; i < ManyFiles; i++)
        {
            _fs.CreateFile($"work/file{i}");
            _fs.WriteFile($"work/file{i}", 0, Filled((byte)i));
        }

        _fs.CreateSnapshot("work", "wednesday", isReadOnly: true);
        byte[] quiet = EngineSend("wednesday", parent: null);
        ulong before = _fs.Info.Superblock.Generation;
        string refusal = "";
        using CancellationTokenSource end = new();
        Task<int> writer = Task.Run(() => Overwrite(end.Token));
        using BusyStream output = new(() => refusal = TryDelete("wednesday"));
        _fs.Send(new Engine.SendRequest { Subvolumes = ["wednesday"] }, output);
        ulong commits = _fs.Info.Superblock.Generation - before;
        end.Cancel();
        Tell($"{writer.Result:n0} files were overwritten or replaced around it and {commits} commits made meanwhile: the stream of {output.Length:n0} bytes"
            + $" is the one that a quiet file system gave, byte for byte.", output.ToArray().AsSpan().SequenceEqual(quiet));
        Tell($"Who tries to delete what is being sent is told: \"{refusal}\".", refusal.Length > 0);
    }

    private int Overwrite(CancellationToken end)
    {
        int files = 0;
        for (; !end.IsCancellationRequested; files++)
        {
            string name = $"work/file{files % ManyFiles}";
            if (files % 3 == 0)
            {
                _fs.Delete(name);
                _fs.CreateFile(name);
            }

            _fs.WriteFile(name, 0, Filled((byte)(files * 7)));
            if (files % 10 == 0)
                _fs.Commit();
        }

        return files;
    }

    private string TryDelete(string subvolume)
    {
        try
        {
            _fs.DeleteSubvolume(subvolume);
            return "";
        }
        catch (FileOperationException error)
        {
            return error.Message;
        }
    }

    private byte[] EngineSend(string subvolume, string? parent)
    {
        Engine.SendRequest request = new() { Subvolumes = [subvolume] };
        if (parent is not null)
            request = request with { Parent = parent };
        using MemoryStream stream = new();
        _fs.Send(request, stream);
        return stream.ToArray();
    }

    // The sender below the facade reads a commit as it is.
    private byte[] CommitOnly(string subvolume, string? parent)
    {
        _fs.Writer.Commit();
        FsInfo commit = _fs.Info;
        PathLookup paths = new(commit);
        using MemoryStream stream = new();
        RootRecord? from = parent is null ? null : paths.FindSubvolume(parent).Root;
        new Sender(commit).Send(paths.FindSubvolume(subvolume).Root, from, [], new SendOptions(), stream);
        return stream.ToArray();
    }

    private static long Count(byte[] stream, byte value) => WrittenBytes.Count(stream, value);

    private static byte[] Filled(byte value)
    {
        byte[] bytes = new byte[PatternBytes];
        Array.Fill(bytes, value);
        return bytes;
    }

    private static void Step(string text)
    {
        Console.WriteLine();
        Console.WriteLine($"* {text}");
    }

    private void Tell(string text, bool isTrue = true)
    {
        _isTrue &= isTrue;
        Console.WriteLine($"  {(isTrue ? "" : "NOT AS TOLD: ")}{text}");
    }
}
