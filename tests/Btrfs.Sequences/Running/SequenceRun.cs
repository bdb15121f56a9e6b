using Btrfs.Fidelity.Generator;
using Btrfs.Fidelity.Kernel;
using Btrfs.Sequences.Actors;
using Btrfs.Sequences.Operations;
using Btrfs.Sequences.Reading;

namespace Btrfs.Sequences.Running;

/// <summary>One pair of file systems and all that is done to it, step by step, up to the first thing that is wrong.</summary>
internal sealed class SequenceRun
{
    private readonly PairOptions _options;
    private readonly IStepSource _source;
    private readonly List<Operation> _steps = [];
    private readonly string? _keepDirectory;
    private FileSystemPair _pair = null!;
    private bool _isFull;

    private SequenceRun(PairOptions options, IStepSource source, string? keepDirectory)
    {
        _options = options;
        _source = source;
        _keepDirectory = keepDirectory;
    }

    /// <summary>Planted by a test of the judge: changes our image behind the engine's back before it is judged.</summary>
    public static Action<IReadOnlyList<string>>? Fault { get; set; }

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

    public static SequenceRun Run(PairOptions options, IStepSource source, string? keepDirectory = null)
    {
        SequenceRun run = new(options, source, keepDirectory);
        run.Execute();
        return run;
    }

    private void Execute()
    {
        _pair = new FileSystemPair(_options);
        try
        {
            while (_source.Next() is { } step)
            {
                _steps.Add(step);
                if (step.IsControl)
                    Control(step);
                else
                    Do(step);
                if (_isFull)
                {
                    new FullDisk(_pair, _source, _steps).Run();
                    return;
                }
            }
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
                _pair.Keep(_keepDirectory);
            Close();
        }
    }

    private void Close()
    {
        try
        {
            _pair.Dispose();
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
        int theirs = _pair.Kernel.Run(step);
        int ours = _pair.Subject!.Run(step);
        Compared++;
        if (theirs < 0)
            Refused++;
        _source.Report(step, theirs >= 0);
        if (IsFull(step, theirs) || IsFull(step, ours))
        {
            _isFull = true;
            return;
        }

        if (!Outcomes.AreEqual(step, theirs, ours))
            throw Wrong($"outcome {step.Verb} {theirs} {ours}", $"the kernel says {theirs}, on our image it is {ours}: {step}");
    }

    // The kernel's word for an xattr that does not fit is the same, and says nothing of the disk.
    private static bool IsFull(Operation step, int result) =>
        result == -ErrorNumber.NoSpace && step.Verb is not (Verb.SetXattr or Verb.SetAcl);

    private void Control(Operation step)
    {
        switch (step.Verb)
        {
            case Verb.Judge:
                Judge();
                break;
            case Verb.GoToKernel:
                _pair.GoToKernel();
                _pair.Kernel.Commit();
                Compare("through the kernel", _pair.ReadThroughKernel(_pair.Kernel), _pair.ReadThroughKernel((KernelActor)_pair.Subject!));
                break;
            case Verb.GoToEngine:
                _pair.GoToEngine();
                break;
            case Verb.Scrub when _pair.Subject is KernelActor actor:
                Scrub(actor);
                break;
            case Verb.Balance when _pair.Subject is KernelActor actor:
                int result = BtrfsIoctl.Balance(actor.Root);
                if (result < 0 && result != -ErrorNumber.NoSpace)
                    throw Wrong($"balance {result}", $"the kernel balances our image with {result}");
                Balances++;
                break;
        }
    }

    private void Scrub(KernelActor actor)
    {
        actor.Commit();
        for (int device = 1; device <= _pair.DeviceCount; device++)
        {
            long errors = InodeCalls.Scrub(actor.Root, (ulong)device);
            if (errors != 0)
                throw Wrong("scrub", $"the kernel scrubs device {device} of our image with {errors} errors");
        }

        Scrubs++;
    }

    private void Judge()
    {
        _pair.Kernel.Commit();
        TreeText theirs = _pair.ReadTheirs();
        if (_pair.Subject is EngineActor engine)
            Compare("before the commit", theirs, EngineReader.Read(engine.FileSystem.Writer.Running, _options.UsesCompression));
        _pair.Subject!.Commit();
        Fault?.Invoke(_pair.Images);
        TreeText ours = _pair.ReadOurs();
        Compare("through our reader", theirs, ours);
        if (_pair.Subject is KernelActor actor)
            JudgeThroughKernel(actor, ours);
        else if (_pair.Check() is { } complaint)
            throw Wrong("check", complaint);
        Judged++;
    }

    // Our reader and the kernel must see the same in one image, too.
    private void JudgeThroughKernel(KernelActor actor, TreeText ours)
    {
        TreeText seen = _pair.ReadThroughKernel(actor);
        Compare("through the kernel", _pair.ReadThroughKernel(_pair.Kernel), seen);
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
