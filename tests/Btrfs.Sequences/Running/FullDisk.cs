using Btrfs.Sequences.Actors;
using Btrfs.Sequences.Operations;

namespace Btrfs.Sequences.Running;

/// <summary>
/// What follows when one of the two is full: from there on they need not agree, but ours must answer clearly, stay sound, let everything be deleted, and
/// be taken by the kernel.
/// </summary>
internal sealed class FullDisk(FileSystemPair pair, IStepSource source, List<Operation> steps)
{
    private const int MoreOperations = 40;

    public void Run()
    {
        IActor subject = pair.Subject!;
        for (int i = 0; i < MoreOperations && source.Next() is { } step && !step.IsControl; i++)
        {
            steps.Add(step);
            source.Report(step, subject.Run(step) >= 0);
        }

        if (subject is KernelActor)
            return;
        subject.Commit();
        Require("check of a full disk");
        Empty(subject);
        subject.Commit();
        Require("check of an emptied disk");
        pair.GoToKernel();
        KernelActor kernel = (KernelActor)pair.Subject!;
        int result = kernel.Run(new Operation(Verb.Create, "after", Value: 0x1A4));
        if (result < 0)
            throw new FailureException(new Failure("full disk", $"the kernel can't make a file in our emptied image: {result}"));
        kernel.Commit();
        pair.CloseSubject();
        Require("check after the kernel");
    }

    // By our own listing, so that nothing depends on what the model believes.
    private static void Empty(IActor subject)
    {
        if (subject is not EngineActor engine)
            return;
        engine.Run(new Operation(Verb.SetDefault, ""));
        Unlock(engine, "");
        Empty(engine, "");
        engine.FileSystem.CleanUp();
    }

    private static void Unlock(EngineActor engine, string path)
    {
        foreach (Engine.DirectoryEntry entry in engine.FileSystem.EnumerateDirectory(new Inode.FsPath(System.Text.Encoding.Latin1.GetBytes(path))).ToList())
        {
            string child = Join(path, entry);
            if (entry.IsSubvolume)
                engine.Run(new Operation(Verb.SetReadOnly, child));
            if (entry.Type is Format.DirEntryType.Directory or Format.DirEntryType.RegularFile)
                engine.Run(new Operation(Verb.SetFlags, child));
            if (entry.Type == Format.DirEntryType.Directory)
                Unlock(engine, child);
        }
    }

    private static void Empty(EngineActor engine, string path)
    {
        foreach (Engine.DirectoryEntry entry in engine.FileSystem.EnumerateDirectory(new Inode.FsPath(System.Text.Encoding.Latin1.GetBytes(path))).ToList())
        {
            string child = Join(path, entry);
            bool isDirectory = entry.Type == Format.DirEntryType.Directory;
            if (isDirectory)
                Empty(engine, child);
            int result = engine.Run(new Operation(isDirectory ? Verb.RemoveDirectory : Verb.Unlink, child));
            if (result < 0 && entry.IsSubvolume)
                result = engine.Run(new Operation(Verb.DeleteSubvolume, child));
            if (result < 0)
                throw new FailureException(new Failure("deleting from a full disk", $"{child} can't be deleted: {result}"));
        }
    }

    private static string Join(string path, Engine.DirectoryEntry entry)
    {
        string name = System.Text.Encoding.Latin1.GetString(entry.NameBytes.Span);
        return path.Length == 0 ? name : $"{path}/{name}";
    }

    private void Require(string kind)
    {
        if (pair.Check() is { } complaint)
            throw new FailureException(new Failure(kind, complaint));
    }
}
