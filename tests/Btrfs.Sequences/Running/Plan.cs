using Btrfs.Fidelity.Generator;
using Btrfs.Sequences.Operations;

namespace Btrfs.Sequences.Running;

/// <summary>Where the steps of a run come from: drawn one by one as the run goes, or a list that was drawn before.</summary>
internal interface IStepSource
{
    /// <summary>The next step; null at the end.</summary>
    Operation? Next();

    /// <summary>Tells what became of the last step.</summary>
    void Report(Operation operation, bool wasDone);
}

/// <summary>The same steps again.</summary>
internal sealed class ListedSteps(IReadOnlyList<Operation> steps) : IStepSource
{
    private int _next;

    public Operation? Next() => _next < steps.Count ? steps[_next++] : null;

    public void Report(Operation operation, bool wasDone)
    {
    }
}

/// <summary>Steps drawn at random: sequences by the engine and by the kernel on our image in turns, a judgement after each.</summary>
internal sealed class RandomSteps : IStepSource
{
    private readonly SeededRandom _random;
    private readonly PairOptions _options;
    private readonly Model _model = new();
    private readonly OperationSource _operations;
    private readonly Queue<Operation> _pending = new();
    private int _sequence;
    private int _left;
    private bool _isAtKernel;

    public RandomSteps(SeededRandom random, PairOptions options)
    {
        _random = random;
        _options = options;
        _operations = new OperationSource(random, _model, options);
        _left = options.OperationsPerSequence;
    }

    public Operation? Next()
    {
        if (_pending.TryDequeue(out Operation? next))
            return next;
        if (_left-- > 0)
            return _operations.Next();
        if (_sequence == _options.Sequences)
            return null;

        _sequence++;
        _left = _options.OperationsPerSequence;
        EndSequence();
        return _pending.Dequeue();
    }

    public void Report(Operation operation, bool wasDone)
    {
        if (wasDone)
            _model.Apply(operation);
    }

    private void EndSequence()
    {
        _pending.Enqueue(new Operation(Verb.Judge));
        bool isLast = _sequence == _options.Sequences;
        if (_isAtKernel)
        {
            if (_random.Percent(25))
                _pending.Enqueue(new Operation(Verb.Balance));
            if (_random.Percent(40))
                _pending.Enqueue(new Operation(Verb.Scrub));
            _pending.Enqueue(new Operation(Verb.GoToEngine));
            _isAtKernel = false;
        }
        else if (isLast || _random.Percent(35))
        {
            _pending.Enqueue(new Operation(Verb.GoToKernel));
            _pending.Enqueue(new Operation(Verb.Scrub));
            _isAtKernel = true;
        }

        // The last word is the engine's: it opens what the kernel left.
        if (isLast)
        {
            _left = 0;
            if (_isAtKernel)
            {
                _pending.Enqueue(new Operation(Verb.Balance));
                _pending.Enqueue(new Operation(Verb.GoToEngine));
            }

            _pending.Enqueue(new Operation(Verb.Judge));
        }
    }
}
