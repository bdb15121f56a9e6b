using Btrfs.Fidelity.Generator;
using Btrfs.Fidelity.Kernel;
using Btrfs.Sequences.Actors;
using Btrfs.Sequences.Operations;
using Btrfs.Sequences.Reading;

namespace Btrfs.Sequences.Running;

#pragma warning disable CA1001 // What it owns lives from the beginning to the end of Execute, and no longer.
/// <summary>One pair of file systems and all that is done to it, step by step, up to the first thing that is wrong.</summary>
#pragma warning disable CA1001 // The pair lives for as long as the run, which closes it itself and judges that too.
internal sealed class SequenceRun
#pragma warning restore CA1001
{
    // The flag of renameat2.
    private const ulong Exchange = 2;

    private readonly PairOptions _options;
    private readonly IStepSource _source;
    private readonly List<Operation> _steps = [];
    private readonly string? _keepDirectory;
    private FileSystemPair? _made;
    private Action<IReadOnlyList<string>>? _fault;
    private Verb? _skipped;
    private bool _isFull;

    private SequenceRun(PairOptions options, IStepSource source, string? keepDirectory)
    {
        _options = options;
        _source = source;
        _keepDirectory = keepDirectory;
    }

    /// <summary>All steps, the one that failed last.</summary>
    public IReadOnlyList<Operation> Steps => _steps;

    public Failure? Failure { get; private set; }

    /// <summary>Sequences that were judged and found right.</summary>
    public int Judged { get; private set; }

    /// <summary>Operations whose answers were compared.</summary>
    public int Compared { get; private set; }

    public int Refused { get; private set; }

    public int Scrubs { get; private set; }

    public int Balances { get; private set; }

    public bool WasFull => _isFull;

    public static SequenceRun Run(ulong seed, string? keepDirectory = null)
    {
        SeededRandom random = new(seed);
        PairOptions options = PairOptions.Choose(random);
        return Run(options, new RandomSteps(random, options), keepDirectory);
    }

    /// <summary>Runs given steps.</summary>
    /// <param name="options">How the file systems are made.</param>
    /// <param name="source">The steps.</param>
    /// <param name="keepDirectory">Where the images go if something is wrong.</param>
    /// <param name="fault">For tests of the judge: changes our images behind the engine's back before they are judged.</param>
    /// <param name="skipped">For tests of the judge: what is not done to our image.</param>
    public static SequenceRun Run(
        PairOptions options, IStepSource source, string? keepDirectory = null, Action<IReadOnlyList<string>>? fault = null, Verb? skipped = null)
    {
        SequenceRun run = new(options, source, keepDirectory) { _fault = fault, _skipped = skipped };
        run.Execute();
        return run;
    }

    private FileSystemPair Pair => _made!;

    private void Execute()
    {
        try
        {
            _made = new FileSystemPair(_options);
            while (_source.Next() is { } step)
            {
                _steps.Add(step);
                if (step.IsControl)
                    Control(step);
                else
                    Do(step);
                if (_isFull)
                {
                    new FullDisk(Pair, _source, _steps).Run();
                    return;
                }
            }
        }
        catch (PairSpentException)
        {
            // Nothing more can be asked of these two.
        }
        catch (FailureException found)
        {
            Failure = found.Failure;
        }
        // Whatever else ends a run is a finding as well: the engine must not throw it, or the kernel not refuse it.
#pragma warning disable CA1031
        catch (Exception error)
#pragma warning restore CA1031
        {
            Failure = FailureOf(error);
        }
        finally
        {
            if (Failure is not null && _keepDirectory is not null)
                _made?.Keep(_keepDirectory);
            Close();
        }
    }

    private void Close()
    {
        try
        {
            _made?.Dispose();
        }
#pragma warning disable CA1031 // Only the first finding counts; closing a broken engine may fail again.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Failure ??= FailureOf(error);
        }
    }

    private Failure FailureOf(Exception error)
    {
        string step = _steps.Count > 0 ? _steps[^1].Verb.ToString() : "the beginning";
        return new Failure($"{step}: {error.GetType().Name}{(error is KernelException kernel ? $" {kernel.Errno}" : "")}", error.ToString());
    }

    private void Do(Operation step)
    {
        int theirs = Pair.Kernel.Run(step);
        int ours = step.Verb == _skipped ? theirs : Pair.Subject!.Run(step);
        Compared++;
        if (theirs < 0)
            Refused++;
        _source.Report(step, theirs >= 0);
        if (IsFull(step, theirs, ours))
        {
            // Only what was to be filled may be full of one side alone: else that side takes too much for itself.
            if (!_options.FillsUp && (theirs == -ErrorNumber.NoSpace) != (ours == -ErrorNumber.NoSpace))
                throw Wrong("full too early", $"the kernel says {theirs}, on our image it is {ours}: {step}; {(Pair.Subject as EngineActor)?.LackOfRoom}");
            _isFull = true;
            return;
        }

        if (!Outcomes.AreEqual(step, theirs, ours))
            throw Wrong($"outcome {step.Verb} {theirs} {ours}", $"the kernel says {theirs}, on our image it is {ours}: {step}");

        // Linux finds out in the middle of an exchange that a name does not fit, aborts, and takes no more changes.
        if (step is { Verb: Verb.Rename, Value: Exchange } && theirs == -ErrorNumber.TooManyLinks)
            throw new PairSpentException();
    }

    // The kernel's word for an xattr that does not fit is the same, and says nothing of the disk.
    private static bool IsFull(Operation step, int theirs, int ours) =>
        !(step.Verb == Verb.SetXattr && theirs == ours) && (ours == -ErrorNumber.NoSpace || (theirs == -ErrorNumber.NoSpace && ours != -ErrorNumber.FileTooLarge));

    private void Control(Operation step)
    {
        switch (step.Verb)
        {
            case Verb.Judge:
                Judge();
                break;
            case Verb.GoToKernel:
                Pair.GoToKernel();

                // Both as they are on the disk: an inode in memory may differ from what is loaded again (properties do).
                Pair.Kernel.Run(new Operation(Verb.Reopen));
                Compare("through the kernel", Pair.ReadThroughKernel(Pair.Kernel), Pair.ReadThroughKernel((KernelActor)Pair.Subject!));
                break;
            case Verb.GoToEngine:
                Pair.GoToEngine();
                break;
            case Verb.Scrub when Pair.Subject is KernelActor actor:
                Scrub(actor);
                break;
            case Verb.Balance when Pair.Subject is KernelActor actor:
                Balance(actor);
                Balances++;
                break;
        }
    }

    // On a file system as small as these a balance may run out of space, and the kernel gives up on it: then the other one tells whether it was to be expected.
    private void Balance(KernelActor actor)
    {
        int theirs = BtrfsIoctl.Balance(Pair.Kernel.Root);
        int ours = BtrfsIoctl.Balance(actor.Root);
        if (ours < 0 && ours != -ErrorNumber.NoSpace && theirs >= 0)
            throw Wrong($"balance {ours}", $"the kernel balances its own file system, and our image with {ours}");
        if (theirs < 0 || ours < 0)
            throw new PairSpentException();
    }

    private void Scrub(KernelActor actor)
    {
        actor.Commit();
        for (int device = 1; device <= Pair.DeviceCount; device++)
        {
            long errors = InodeCalls.Scrub(actor.Root, (ulong)device);
            if (errors == -ErrorNumber.NoSpace)
                throw new PairSpentException();
            if (errors != 0)
                throw Wrong("scrub", $"the kernel scrubs device {device} of our image with {errors} errors");

            // For a while, a scrub takes the system chunk out of use, and another one is made, which stays: the two are to have the same room.
            InodeCalls.Scrub(Pair.Kernel.Root, (ulong)device);
        }

        Scrubs++;
    }

    private void Judge()
    {
        Pair.Kernel.Commit();
        TreeText theirs = Pair.ReadTheirs();
        if (Pair.Subject is EngineActor engine)
        {
            Compare("in memory", theirs.AsBuffered(), Pair.ReadMemory(engine).AsBuffered());
            engine.FileSystem.Delalloc.FlushAll();
            Compare("before the commit", theirs, EngineReader.Read(engine.FileSystem.Writer.Running, _options.HidesNoCompress));
        }

        Pair.Subject!.Commit();
        _fault?.Invoke(Pair.Images);
        TreeText ours = Pair.ReadOurs();
        Compare("through our reader", theirs, ours);
        if (Pair.Subject is KernelActor actor)
            JudgeThroughKernel(actor, ours);
        else if (Pair.Check() is { } complaint)
            throw Wrong("check", complaint);
        Judged++;
    }

    // Our reader and the kernel must see the same in one image, too.
    private void JudgeThroughKernel(KernelActor actor, TreeText ours)
    {
        TreeText seen = Pair.ReadThroughKernel(actor);
        Compare("through the kernel", Pair.ReadThroughKernel(Pair.Kernel), seen);
        if (!_options.UsesCompression && TreeText.Difference("the kernel", seen, "our reader", ours.AsMounted()) is { } difference)
            throw Wrong("readers", difference);
    }

    private static void Compare(string how, TreeText theirs, TreeText ours)
    {
        if (TreeText.Difference("the kernel's", theirs, "ours", ours) is { } difference)
            throw Wrong($"trees {how}", difference);
    }

    private static FailureException Wrong(string kind, string detail) => new(new Failure(kind, detail));
}
