using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity.Generator;

/// <summary>What an operation has at hand: the dice, the subvolume it works on, its siblings, and the log.</summary>
internal sealed class Session(SeededRandom random, StateOptions options, OperationLog log) : IDisposable
{
    public SeededRandom Random => random;

    public StateOptions Options => options;

    public OperationLog Log => log;

    public NameSource Names { get; } = new(random, options.Mix.NamePool);

    public ContentSource Contents { get; } = new(random);

    public List<WorkingSubvolume> Subvolumes { get; } = [];

    /// <summary>Files kept open; some of them have no name any more.</summary>
    public List<Descriptor> OpenFiles { get; } = [];

    public WorkingSubvolume Current { get; set; } = null!;

    public SubvolumeModel Model => Current.Model;

    public long DataLeftBytes { get; set; } = options.DataBudgetBytes;

    public Node PickDirectory() => random.Pick(Model.Directories);

    public Node? PickFile() => Model.Files.Count == 0 ? null : random.Pick(Model.Files);

    public Entry? PickEntry() => Model.Entries.Count == 0 ? null : random.Pick(Model.Entries);

    /// <summary>The name of some directory other than the root.</summary>
    public Entry? PickMovableDirectory() =>
        Model.Directories.Count < 2 ? null : Model.Directories[random.Between(1, Model.Directories.Count - 1)].Link;

    /// <summary>Any inode, the root directory included.</summary>
    public Node PickNode() => random.Percent(5) ? Model.Root : PickEntry()?.Target ?? Model.Root;

    public void OpenAndDo(Node node, int flags, string what, Func<int, int> call)
    {
        using Descriptor? descriptor = Current.Open(node, flags);
        if (descriptor is not null)
            log.Call($"{what} {WorkingSubvolume.Show(node)}", call(descriptor.Value));
    }

    public void CloseFiles()
    {
        foreach (Descriptor file in OpenFiles)
            file.Dispose();
        OpenFiles.Clear();
    }

    public void Dispose()
    {
        CloseFiles();
        foreach (WorkingSubvolume subvolume in Subvolumes)
            subvolume.Dispose();
        Subvolumes.Clear();
    }
}
